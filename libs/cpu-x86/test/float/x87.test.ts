import { describe, expect, it } from 'vitest'
import { x87Row } from '../../src/float/x87-table.ts'
import { Random } from './operands.ts'
import { blankCase, OUT_TRAP, record } from './silicon.ts'
import { encode, type Instruction, instructions, makeCase } from './x87-cases.ts'
import { describeCase, type Outcome, ours, silicon } from './x87-images.ts'

const CASES = 150
const C1 = 0x0200
const CONDITION_CODES = 0x4500
const IE = 1
const SIGILL = 4

/** Judged with a bound instead, in x87-transcendental.test.ts. */
const APPROXIMATE = /^(f2xm1|fyl2x|fyl2xp1|fptan|fpatan|fsin|fcos|fsincos) /

/**
 * Where processors of Intel and AMD differ, and ours follows Intel's manual: the codes and flags of a comparison
 * stopped by an unmasked invalid operation, and C1 after fcomi.
 */
function comparable(instruction: Instruction, outcome: Outcome): Outcome {
  let fsw = Number.parseInt(outcome.fsw, 16)
  let { rflags } = outcome
  if (/^f(u|i)?com|^ftst/.test(instruction.name)) {
    if ((fsw & ~Number.parseInt(outcome.fcw, 16) & IE) !== 0) {
      fsw &= ~CONDITION_CODES
      rflags = 0
    }
    if (/comip? /.test(instruction.name)) fsw &= ~C1
  }
  return { ...outcome, fsw: fsw.toString(16).padStart(4, '0'), rflags }
}

describe('x87 instructions agree with the host CPU in registers, status, tags, memory and faults', () => {
  const random = new Random(2n)
  const tried = instructions().filter(({ name }) => !APPROXIMATE.test(name))
  const batches = tried.map((instruction) => ({
    name: instruction.name,
    insn: encode(instruction),
    cases: Array.from({ length: CASES }, () => makeCase(instruction, random)),
  }))
  const recorded = record(batches)
  for (const [i, instruction] of tried.entries()) {
    it(instruction.name, () => {
      for (const [j, input] of (batches[i]?.cases ?? []).entries()) {
        const wanted = recorded[i]?.[j]
        if (wanted === undefined) throw new Error('the recorder answered too few cases')
        const before = describeCase(input)
        const got = comparable(instruction, ours(instruction, input))
        expect({ before, ...got }).toEqual({ before, ...comparable(instruction, silicon(instruction, wanted)) })
      }
    })
  }
})

it('x87 encodings without an instruction are those that the host CPU refuses', () => {
  const encodings = Array.from({ length: 8 * 256 }, (_, i) => [0xd8 + (i >> 8), i & 0xff] as const).filter(
    ([, modrm]) => modrm >= 0xc0 || (modrm & 0xc7) === 6,
  )
  const recorded = record(encodings.map((insn) => ({ name: 'any', insn, cases: [blankCase()] })))
  const refused = encodings.filter((_, i) => recorded[i]?.[0]?.getUint32(OUT_TRAP, true) === SIGILL)
  expect(encodings.filter(([opcode, modrm]) => x87Row(opcode, modrm) === undefined)).toEqual(refused)
})
