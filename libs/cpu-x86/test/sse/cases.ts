/** Cases for instructions with xmm, mmx, general register, memory and immediate operands, from the rows of the table. */
import type { Row } from '../../src/insn/row.ts'
import { double, integer, type Random, single } from '../float/operands.ts'
import { DATA, initialFx, type NativeCase, registers, words } from '../native/native.ts'

const MAPS: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]
const MANDATORY = { np: [], '66': [0x66], f3: [0xf3], f2: [0xf2] } as const
const XMM0 = 160
const MXCSR = 24
const RDI = 7
const RSP = 4

/** Where memory operands are reached: base rdi, in the first page, 16-byte aligned unless the case is about alignment. */
export interface Encoding {
  readonly bytes: Uint8Array
  /** Bytes from an aligned address. */
  readonly skew: number
}

interface Fields {
  readonly reg: number
  readonly rm: number
  readonly memory: boolean
  readonly w: 0 | 1
  readonly imm: number
}

function encode(row: Row, { reg, rm, memory, w, imm }: Fields): Uint8Array {
  const field = row.ext ?? reg & 7
  const rex = 0x40 | (w << 3) | (row.ext === undefined ? (reg & 8) >> 1 : 0) | (memory ? 0 : rm >> 3)
  const usesModRm = row.ext !== undefined || /[EGMRVWUPQN][a-z]/.test(row.operands)
  const modrm = memory ? 0x40 | (field << 3) | RDI : 0xc0 | (field << 3) | (row.rm ?? rm & 7)
  const prefix = MANDATORY[row.prefix ?? 'np']
  return Uint8Array.from([
    ...(row.operands.includes('v') && imm < 8 ? [0x66] : []),
    ...prefix,
    ...(rex === 0x40 ? [] : [rex]),
    ...(MAPS[row.map] as readonly number[]),
    row.code,
    ...(usesModRm ? [modrm] : []),
    ...(memory ? [0x10] : []),
    ...(/I/.test(row.operands) ? [imm] : []),
  ])
}

/** Register numbers that may stand for a method of operand: rsp and rdi are kept for what they are. */
function register(random: Random, letters: string): number {
  if (/[PQN]/.test(letters)) return random.below(8)
  if (/[EGRM]/.test(letters)) return random.pick([0, 1, 2, 3, 5, 6, 8, 9, 13, 15])
  return random.below(16)
}

const method = (row: Row, letters: RegExp): string => row.operands.split(' ').find((o) => letters.test(o)) ?? ''

/** All the ways of writing one row: registers or memory, REX.W where it matters, some immediates. */
export function encodings(random: Random, row: Row, count: number): readonly Encoding[] {
  const regOperand = method(row, /^[GVP]/)
  const rmOperand = method(row, /^[EMRWUQN]/)
  const widths = row.w !== undefined ? [row.w] : /[yv]/.test(row.operands) ? ([0, 1] as const) : ([0] as const)
  const kinds =
    row.mod !== undefined
      ? [row.mod]
      : /^[EWQ]/.test(rmOperand)
        ? ['reg', 'mem']
        : [/^M/.test(rmOperand) ? 'mem' : 'reg']
  const result: Encoding[] = []
  for (let n = 0; n < count; n++) {
    const memory = random.pick(kinds) === 'mem'
    const aligned = /[WM]x/.test(rmOperand) ? random.below(8) !== 0 : random.below(2) === 0
    const fields: Fields = {
      reg: register(random, regOperand),
      rm: register(random, rmOperand),
      memory,
      w: random.pick(widths),
      imm: random.below(3) === 0 ? random.below(256) : random.below(20),
    }
    result.push({ bytes: encode(row, fields), skew: memory && !aligned ? 1 + random.below(15) : 0 })
  }
  return result
}

/** Sixteen bytes: floats of both widths, integers with lanes at the edges of their ranges, small counts. */
export function vector(random: Random): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  const kind = random.below(7)
  if (kind === 0) for (const at of [0, 4, 8, 12]) view.setUint32(at, single(random), true)
  else if (kind === 1) for (const at of [0, 8]) view.setBigUint64(at, double(random), true)
  else if (kind === 2)
    for (let at = 0; at < 16; at++) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0x81, 0xff, random.below(256)])
  else if (kind === 3) for (const at of [0, 4, 8, 12]) view.setFloat32(at, random.below(4000) / 16 - 100, true)
  else if (kind === 4) for (const at of [0, 8]) view.setFloat64(at, random.below(1 << 30) / 1024 - 300000, true)
  else if (kind === 5) view.setBigUint64(0, BigInt(random.below(140)), true)
  else for (let at = 0; at < 16; at++) bytes[at] = random.below(random.pick([2, 4]))
  return bytes
}

const vectors = (random: Random): Uint8Array => Uint8Array.from([...vector(random), ...vector(random)])

/** The usual mode (most often, as it has a path of its own), other roundings, FTZ and DAZ, unmasked exceptions. */
export function mxcsr(random: Random): number {
  switch (random.below(6)) {
    case 0:
      return 0x1f80
    case 1:
      return 0x1f80 | (random.below(4) << 13) | (random.below(2) << 15) | (random.below(2) << 6) | random.below(64)
    case 2:
      return (random.below(64) << 7) | (random.below(4) << 13)
    default:
      return 0x1fa0
  }
}

/** Lengths, integers of any size, any bits. */
function general(random: Random): bigint {
  const kind = random.below(3)
  return kind === 0 ? BigInt(random.below(40) - 20) : kind === 1 ? integer(random) : random.bits64()
}

export interface CaseOptions {
  /** Changes the FXSAVE image. */
  readonly image?: (fx: Uint8Array) => void
  /** Makes the bytes of the memory operand. */
  readonly content?: (random: Random) => Uint8Array
  /** Where the memory operand is, but for the encoding's skew. */
  readonly at?: number
}

/** Random state with that instruction. */
export function caseOf(
  random: Random,
  { bytes, skew }: Encoding,
  { image = () => {}, content = vectors, at = DATA + 0x100 }: CaseOptions = {},
): NativeCase {
  const fx = initialFx()
  for (let n = 0; n < 16; n++) fx.set(vector(random), XMM0 + 16 * n)
  // Related operands: equal and nearly equal ones.
  if (random.below(4) === 0) fx.copyWithin(XMM0, XMM0 + 16, XMM0 + 16 * (1 + random.below(15)))
  new DataView(fx.buffer).setUint32(MXCSR, mxcsr(random), true)
  image(fx)
  const gpr = registers({})
  for (let n = 0; n < 16; n++) if (n !== RSP) gpr[n] = BigInt.asUintN(64, general(random))
  gpr[RDI] = BigInt(at - 0x10 + skew)
  return { code: bytes, gpr, rflags: Number(random.bits64() & 0x8d5n), fx, memory: words(at, content(random)) }
}
