/** Writes instructions of a row of the table as bytes, with random registers, constants and addressing. */
import type { Row } from '../../src/insn/row.ts'
import { CODE } from '../native/native.ts'
import type { Random } from './random.ts'

export interface Shape {
  readonly mode: 32 | 64
  /** Operand size; rows of a fixed size ignore it. */
  readonly size: 1 | 2 | 4 | 8
  readonly memory: boolean
  readonly lock: boolean
}

export interface Encoded {
  readonly bytes: Uint8Array
  /** Registers the address depends on, and the values they need for it to be the one asked for. */
  readonly base: readonly (readonly [register: number, value: bigint])[]
}

const MANDATORY = { '66': 0x66, f3: 0xf3, f2: 0xf2, np: undefined } as const
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const

/** All shapes of a row that 64-bit mode has, or 32-bit mode if asked for. */
export function shapesOf(row: Row, mode: 32 | 64): Shape[] {
  if (row.mode !== undefined && row.mode !== mode) return []
  const sized = /[A-Z](v|z)|rAX/.test(row.operands)
  const sizes: Shape['size'][] = row.vex
    ? mode === 64
      ? [4, 8]
      : [4]
    : sized
      ? mode === 64
        ? [2, 4, 8]
        : [2, 4]
      : row.w === 1
        ? [8]
        : [4]
  const rm = /\b[EM]/.test(row.operands)
  const places = !rm ? [false] : row.mod === 'mem' ? [true] : row.mod === 'reg' ? [false] : [false, true]
  const shapes = sizes.flatMap((size) => places.map((memory): Shape => ({ mode, size, memory, lock: false })))
  const locked = row.lock ? shapes.filter(({ memory }) => memory).map((shape) => ({ ...shape, lock: true })) : []
  return [...shapes, ...locked].filter(({ size }) => mode === 64 || size !== 8)
}

/** `target` is the linear address of the memory operand. */
export function encode(row: Row, shape: Shape, target: bigint, random: Random): Encoded {
  const registers = shape.mode === 64 ? 16 : 8
  const reg = row.ext ?? random.below(registers)
  const direct = random.below(registers)
  const usesModRm = row.ext !== undefined || /\b[EGMR]/.test(row.operands)
  const immediate = immediateBytes(row, shape.size, random)
  const rm = shape.memory
    ? memoryForm(shape.mode, target, immediate.length, random)
    : { mod: 3, rm: direct, index: 0, tail: [], base: [] }
  const rexBits = (shape.size === 8 ? 8 : 0) | (usesModRm ? (reg >> 3) << 2 : 0) | ((rm.index >> 3) << 1)
  const extended = row.plusReg || usesModRm ? rm.rm >> 3 : 0
  const rex = shape.mode === 64 && (rexBits | extended || random.chance(20)) ? [0x40 | rexBits | extended] : []
  const mandatory = row.prefix && MANDATORY[row.prefix]
  const prefixes = [
    ...(shape.size === 2 ? [0x66] : []),
    ...(shape.lock ? [0xf0] : []),
    ...(mandatory ? [mandatory] : []),
  ]
  const opcode = [...MAPS[row.map], row.code + (row.plusReg ? direct & 7 : 0)]
  const modrm = usesModRm ? [(rm.mod << 6) | ((reg & 7) << 3) | (rm.rm & 7), ...rm.tail] : []
  const rest = [...modrm, ...immediate]
  const bytes = row.vex
    ? [...vex(row, shape, rexBits | extended, random.below(registers), random), row.code, ...rest]
    : [...prefixes, ...rex, ...opcode, ...rest]
  return { bytes: patched(bytes, rm, target, immediate.length), base: rm.base }
}

const PP = { np: 0, '66': 1, f3: 2, f2: 3 } as const

/** The prefix with those bits of REX and a register, in the long form or, where that is possible, the short one. */
function vex(row: Row, { mode, size }: Shape, rex: number, register: number, random: Random): number[] {
  const vvvv = /\bH/.test(row.operands) ? register : 0
  const tail = ((~vvvv & 15) << 3) | PP[row.prefix ?? 'np']
  if (row.map === 1 && (rex & 11) === 0) return [0xc5, ((~rex & 4) << 5) | tail]
  // W counts for nothing in 32-bit mode.
  const w = mode === 32 ? random.below(2) : size === 8 ? 1 : 0
  return [0xc4, ((~rex & 7) << 5) | row.map, (w << 7) | tail]
}

interface MemoryForm {
  readonly mod: number
  readonly rm: number
  readonly index: number
  /** SIB and displacement. */
  readonly tail: readonly number[]
  readonly base: Encoded['base']
  readonly ripRelative?: boolean
}

function memoryForm(mode: 32 | 64, target: bigint, _immediate: number, random: Random): MemoryForm {
  const near = target < 1n << 31n
  const kind = random.below(near ? 5 : 3)
  if (kind === 3) return { mod: 0, rm: 4, index: 0, tail: [0x25, ...bytesOf(target, 4)], base: [] }
  if (kind === 4 && mode === 64) return { mod: 0, rm: 5, index: 0, tail: [0, 0, 0, 0], base: [], ripRelative: true }
  const width = mode === 64 ? 64 : 32
  const pick = () => random.pick([0, 1, 2, 3, 5, 6, 7, ...(mode === 64 ? [8, 9, 10, 11, 12, 13, 14, 15] : [])])
  const base = pick()
  const small = random.chance(50)
  const displacement = BigInt.asIntN(small ? 8 : 32, random.bits64() & 0x7fffn)
  const tail = bytesOf(displacement, small ? 1 : 4)
  const mod = small ? 1 : 2
  let index = pick()
  if (kind === 2 && index !== base) {
    const scale = random.below(4)
    const count = BigInt(random.below(1 << 12))
    const start = BigInt.asUintN(width, target - displacement - (count << BigInt(scale)))
    const sib = (scale << 6) | ((index & 7) << 3) | (base & 7)
    return {
      mod,
      rm: (base & 8) | 4,
      index,
      tail: [sib, ...tail],
      base: [
        [base, start],
        [index, count],
      ],
    }
  }
  index = 0
  const sib = (base & 7) === 4 ? [0x24] : []
  const start = BigInt.asUintN(width, target - displacement)
  return { mod, rm: base, index, tail: [...sib, ...tail], base: [[base, start]] }
}

function patched(bytes: readonly number[], rm: MemoryForm, target: bigint, immediate: number): Uint8Array {
  const result = Uint8Array.from(bytes)
  if (rm.ripRelative) {
    const displacement = target - BigInt(CODE + bytes.length)
    result.set(bytesOf(displacement, 4), bytes.length - immediate - 4)
  }
  return result
}

const bytesOf = (value: bigint, count: number): number[] =>
  Array.from({ length: count }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn))

function immediateBytes(row: Row, size: number, random: Random): number[] {
  const widths = row.operands.split(' ').flatMap((token) => {
    const letter = /^Iu?([bwzv])$/.exec(token)?.[1]
    if (letter === undefined) return []
    return letter === 'b' ? [1] : letter === 'w' ? [2] : letter === 'z' ? [Math.min(size, 4)] : [size]
  })
  return widths.flatMap((width) => bytesOf(random.operand(width), width))
}
