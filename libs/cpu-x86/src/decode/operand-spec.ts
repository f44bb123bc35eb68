import type { MemOperand, Operand, RegOperand, Segment } from './decoded.ts'
import type { ModRm } from './modrm.ts'
import {
  controlOperand,
  debugOperand,
  gprOperand,
  immediateOperand,
  mmxOperand,
  segmentOperand,
  toBigInt,
  xmmOperand,
} from './registers.ts'

/** State of one decoding that operands are made from. Makers of immediates move `position`. */
export interface Cursor {
  readonly bytes: Uint8Array
  position: number
  readonly modrm: ModRm
  readonly rex: number
  /** VEX.vvvv: a register. */
  readonly vvvv: number
  /** Low three bits of the opcode. */
  readonly opcodeRegister: number
  readonly segment: Segment
  readonly size: 1 | 2 | 4 | 8
  readonly addressSize: 2 | 4 | 8
  /** 8 with REX.W, else 4. */
  readonly wide: 4 | 8
}

type SizeOf = (c: Cursor) => number
/** Answers nothing if the encoding names a register that does not exist. */
export type OperandMaker = (c: Cursor) => Operand | undefined

export interface OperandSpec {
  readonly makers: readonly OperandMaker[]
  /** Bytes of immediates, displacements of branches and moffs, one entry per such operand. */
  readonly immediates: readonly SizeOf[]
  readonly usesModRm: boolean
  /** What modrm must name, as implied by the operands. */
  readonly mod: 'mem' | 'reg' | undefined
  /** modrm.mod is ignored: rm is a register anyway (mov to and from control and debug registers). */
  readonly ignoresMod: boolean
  readonly isByte: boolean
  /** VEX.vvvv names an operand; else it must be 1111. */
  readonly usesVvvv: boolean
  /** Operand size (66, REX.W) changes an operand. */
  readonly usesOperandSize: boolean
}

const SIZES: Readonly<Record<string, SizeOf>> = {
  b: () => 1,
  w: () => 2,
  d: () => 4,
  q: () => 8,
  x: () => 16,
  n: () => 0,
  v: (c) => c.size,
  y: (c) => c.wide,
  z: (c) => (c.size === 8 ? 4 : c.size),
}

type GprSize = RegOperand['size']

const rexR = (c: Cursor): number => c.modrm.reg | ((c.rex & 4) << 1)
const rexB = (c: Cursor): number => c.modrm.rm | ((c.rex & 1) << 3)
const gpr = (c: Cursor, reg: number, size: SizeOf): Operand => gprOperand(reg, size(c) as GprSize, c.rex === 0)
const xmm = (c: Cursor, reg: number, size: SizeOf): Operand => xmmOperand(reg, size(c) as 16)
const mmx = (c: Cursor, reg: number, size: SizeOf): Operand => mmxOperand(reg, size(c) as 8)
const memory = (c: Cursor, size: SizeOf): Operand => c.modrm.operand(size(c), c.segment)
const implicitMemory = (c: Cursor, base: number, size: number): MemOperand => ({
  kind: 'mem',
  base,
  index: -1,
  scale: 0,
  disp: 0n,
  ripRelative: false,
  segment: c.segment,
  stack: false,
  size,
})

function readSigned(c: Cursor, size: number): number {
  const { bytes, position: at } = c
  c.position = at + size
  if (size === 1) return (bytes[at] << 24) >> 24
  if (size === 2) return ((bytes[at] | (bytes[at + 1] << 8)) << 16) >> 16
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

function readSigned64(c: Cursor): bigint {
  const low = readSigned(c, 4)
  return (BigInt(readSigned(c, 4)) << 32n) | BigInt(low >>> 0)
}

/**
 * Immediates are sign-extended to the operation, and `size` is the operation's: `get` then gives the value that takes part.
 * Those marked `u` are zero-extended and keep the size they have in the encoding.
 */
function immediate(size: SizeOf): OperandMaker {
  return (c) =>
    size(c) === 8 ? { kind: 'imm', value: readSigned64(c), size: 8 } : immediateOperand(readSigned(c, size(c)), c.size)
}

function unsignedImmediate(size: SizeOf): OperandMaker {
  return (c) => {
    const bytes = size(c)
    const value = readSigned(c, bytes)
    return immediateOperand(bytes === 1 ? value & 0xff : value & 0xffff, bytes as GprSize)
  }
}

function absoluteMemory(size: SizeOf): OperandMaker {
  return (c) => {
    const { addressSize } = c
    const disp = addressSize === 8 ? readSigned64(c) : toBigInt(readSigned(c, addressSize))
    return { ...implicitMemory(c, -1, size(c)), disp }
  }
}

const METHODS: Readonly<Record<string, (size: SizeOf) => OperandMaker>> = {
  E: (size) => (c) => (c.modrm.isRegister ? gpr(c, rexB(c), size) : memory(c, size)),
  G: (size) => (c) => gpr(c, rexR(c), size),
  M: (size) => (c) => memory(c, size),
  R: (size) => (c) => gpr(c, rexB(c), size),
  Z: (size) => (c) => gpr(c, c.opcodeRegister | ((c.rex & 1) << 3), size),
  H: (size) => (c) => gpr(c, c.vvvv, size),
  I: immediate,
  J: (size) => (c) => ({ kind: 'rel', value: readSigned(c, size(c)) }),
  O: absoluteMemory,
  X: (size) => (c) => implicitMemory(c, 6, size(c)),
  L: (size) => (c) => implicitMemory(c, 7, size(c)),
  B: (size) => (c) => implicitMemory(c, 3, size(c)),
  V: (size) => (c) => xmm(c, rexR(c), size),
  W: (size) => (c) => (c.modrm.isRegister ? xmm(c, rexB(c), size) : memory(c, size)),
  U: (size) => (c) => xmm(c, rexB(c), size),
  P: (size) => (c) => mmx(c, c.modrm.reg, size),
  Q: (size) => (c) => (c.modrm.isRegister ? mmx(c, c.modrm.rm, size) : memory(c, size)),
  N: (size) => (c) => mmx(c, c.modrm.rm, size),
  S: () => (c) => segmentOperand(c.modrm.reg),
  C: () => (c) => controlOperand(rexR(c)),
  D: () => (c) => debugOperand(rexR(c)),
}

const FIXED: Readonly<Record<string, OperandMaker>> = {
  AL: () => gprOperand(0, 1, false),
  AX: () => gprOperand(0, 2, false),
  eAX: (c) => gprOperand(0, c.size === 2 ? 2 : 4, false),
  rAX: (c) => gprOperand(0, c.size, false),
  CL: () => gprOperand(1, 1, false),
  DX: () => gprOperand(2, 2, false),
  '1': () => immediateOperand(1, 1),
}

const MODRM_METHODS = 'EGMRVWUPQNSCD'
const FIXED_SIZED_BY_OPERATION: readonly string[] = ['eAX', 'rAX']

/** Parses the operands of a row (see `Row.operands`). Throws a RangeError that names a wrong token. */
export function parseOperands(text: string): OperandSpec {
  const makers: OperandMaker[] = []
  const immediates: SizeOf[] = []
  let methods = ''
  let isByte = false
  let usesOperandSize = false
  for (const [n, token] of text.split(' ').filter(Boolean).entries()) {
    const fixed = FIXED[token]
    if (fixed !== undefined) {
      makers.push(fixed)
      isByte ||= token === 'AL'
      usesOperandSize ||= FIXED_SIZED_BY_OPERATION.includes(token)
      continue
    }
    const [, method, unsigned, letter] = /^([A-Z])(u?)([a-z])$/.exec(token) ?? []
    const size = SIZES[letter ?? '']
    const make = unsigned ? unsignedImmediate : METHODS[method ?? '']
    if (method === undefined || size === undefined || (unsigned && method !== 'I') || (!make && method !== 'Y'))
      throw new RangeError(`operand '${token}' of '${text}' is not in the notation of Row.operands`)
    methods += method
    isByte ||= n === 0 && letter === 'b' && !'IJ'.includes(method)
    usesOperandSize ||= letter === 'v' || letter === 'z'
    if (make !== undefined) makers.push(make(size))
    if ('IJ'.includes(method)) immediates.push(size)
    if (method === 'O') immediates.push((c) => c.addressSize)
  }
  const has = (letters: string) => [...letters].some((letter) => methods.includes(letter))
  const ignoresMod = has('CD')
  return {
    makers,
    immediates,
    usesModRm: has(MODRM_METHODS),
    mod: ignoresMod ? undefined : has('M') ? 'mem' : has('RUN') ? 'reg' : undefined,
    ignoresMod,
    isByte,
    usesVvvv: has('H'),
    usesOperandSize,
  }
}
