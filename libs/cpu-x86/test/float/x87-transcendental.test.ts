import { describe, expect, it } from 'vitest'
import { executeX87 } from '../../src/float/x87-execute.ts'
import { Random } from './operands.ts'
import { blankCase, record, ST0 } from './silicon.ts'
import { encode, type Instruction, instructions, makeCase, makeState, moderate } from './x87-cases.ts'
import { describeCase, type Outcome, ours, silicon } from './x87-images.ts'

const CASES = 300
const BIAS = 16383
/** Units in the last place by which the host's result may differ from ours. */
const BOUND = 2n
/** Whether the approximation was rounded, and which way, is the processor's own affair. */
const OWN = 0x0200 | 0x20

const exponentOf = (input: DataView): number => input.getUint16(ST0 + 8, true) & 0x7fff
const isSpecial = (input: DataView): boolean =>
  exponentOf(input) === 0x7fff || (exponentOf(input) !== 0 && (input.getUint8(ST0 + 7) & 0x80) === 0)
const below = (limit: number) => (input: DataView) => isSpecial(input) || exponentOf(input) < BIAS + limit
/** Processors reduce angles by a pi of their own, which shows in larger angles; beyond 2^63 none is accepted. */
const angle = (input: DataView): boolean => below(0)(input) || exponentOf(input) >= BIAS + 63

/** Where the manual defines the result. */
const DOMAIN: Readonly<Record<string, ((input: DataView) => boolean) | undefined>> = {
  f2xm1: below(0),
  fyl2x: () => true,
  fyl2xp1: (input) => below(-2)(input) && (exponentOf(input) !== 0x7fff || (input.getUint8(ST0 + 7) & 0x7f) !== 0),
  fpatan: () => true,
  fptan: angle,
  fsin: angle,
  fcos: angle,
  fsincos: angle,
}

/** The place of an 80-bit image among all of its sign, in order of size; exponents 0 and 1 have one scale. */
function rank(image: string): bigint {
  const bits = BigInt(`0x${image}`)
  const exponent = (bits >> 64n) & 0x7fffn
  const size = ((exponent || 1n) << 63n) + BigInt.asUintN(64, bits) - (1n << 63n)
  return bits >> 79n ? -size : size
}

/** Distance of two 80-bit images in units in the last place. */
function distance(a: string, b: string): bigint {
  const difference = rank(a) - rank(b)
  return difference < 0n ? -difference : difference
}

const withoutOwn = ({ st: _, fsw, ...rest }: Outcome): object => ({ ...rest, fsw: Number.parseInt(fsw, 16) & ~OWN })

describe('x87 transcendentals are within two units in the last place of the host CPU', () => {
  const random = new Random(3n)
  const tried = instructions().flatMap((instruction) => {
    const inside = DOMAIN[instruction.name.replace(/ .*/, '')]
    return inside ? [{ instruction, inside }] : []
  })
  const batches = tried.map(({ instruction, inside }) => {
    const edges = Array.from({ length: CASES }, () => makeCase(instruction, random))
    const ordinary = Array.from({ length: CASES }, () => makeState(random, (r) => moderate(r, 40, 1)))
    const cases = [...edges, ...ordinary].filter(inside)
    return { name: instruction.name, insn: encode(instruction), cases }
  })
  const recorded = record(batches)
  const pair = (instruction: Instruction, input: DataView, output: DataView): { got: Outcome; wanted: Outcome } => ({
    got: ours(instruction, input),
    wanted: silicon(instruction, output),
  })
  for (const [i, { instruction }] of tried.entries()) {
    it(instruction.name, () => {
      for (const [j, input] of (batches[i]?.cases ?? []).entries()) {
        const output = recorded[i]?.[j]
        if (output === undefined) throw new Error('the recorder answered too few cases')
        const { got, wanted } = pair(instruction, input, output)
        const before = describeCase(input)
        expect({ before, ...withoutOwn(got) }).toEqual({ before, ...withoutOwn(wanted) })
        const far = got.st.filter((value, n) => distance(value, wanted.st[n] ?? '') > BOUND)
        expect({ before, far, st: wanted.st.slice(0, 2) }).toEqual({ before, far: [], st: wanted.st.slice(0, 2) })
      }
    })
  }
})

/** One operation on ST(0) with round to nearest. @returns sign and exponent, and significand, of ST(slot) */
function evaluate(modrm: number, slot: number, signExp: number, sig: bigint): string {
  const state = blankCase()
  state.setUint8(4, 1)
  state.setBigUint64(ST0, sig, true)
  state.setUint16(ST0 + 8, signExp, true)
  executeX87(state, 0xd9, modrm)
  const at = ST0 + 16 * slot
  return `${state.getUint16(at + 8, true).toString(16)} ${state.getBigUint64(at, true).toString(16)}`
}

describe('angles are reduced by as much of pi as they need', () => {
  // Results of a mathematical library of 113 bits (gcc's libquadmath), rounded to 64.
  const angles = [
    { of: 'sin', modrm: 0xfe, slot: 0, exp: 62, sig: 1n << 63n, result: 'bffe b3f2b9aaf80a3946' },
    { of: 'cos', modrm: 0xff, slot: 0, exp: 62, sig: 1n << 63n, result: 'bffe b6158fc106383e05' },
    { of: 'tan', modrm: 0xf2, slot: 1, exp: 57, sig: 0x8dde87aad12c2534n, result: '3ffe a3909c663a5aa4be' },
    { of: 'sin', modrm: 0xfe, slot: 0, exp: 45, sig: 0xb01aaaf37bc8d0fen, result: 'bffc cbf93ae6c78b55a2' },
  ]
  for (const { of, modrm, slot, exp, sig, result } of angles) {
    it(`${of} of ${sig.toString(16)} * 2^${exp - 63}`, () => {
      expect(evaluate(modrm, slot, BIAS + exp, sig)).toBe(result)
    })
  }
})
