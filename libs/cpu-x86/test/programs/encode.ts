/** Writes one instruction of a row as bytes. */
import type { Row } from '../../src/insn/row.ts'

/** A memory operand: base and index are register numbers or -1; without both, `disp` is the address. */
export interface Address {
  readonly base: number
  readonly index: number
  /** 0 to 3. */
  readonly scale: number
  readonly disp: number
  /** `disp` is the address, encoded as a distance from the next instruction. */
  readonly ripRelative: boolean
  /** Prefix 67. */
  readonly cut: boolean
}

export const absolute = (address: number): Address => ({
  base: -1,
  index: -1,
  scale: 0,
  disp: address,
  ripRelative: false,
  cut: false,
})
export const relative = (address: number): Address => ({ ...absolute(address), ripRelative: true })
export const based = (base: number, disp: number): Address => ({ ...absolute(disp), base })

/** ah, ch, dh and bh as register numbers of byte operands. */
export const HIGH_BYTES = 16

export interface Operands {
  /** Operand size; rows of a fixed size ignore it. */
  readonly size: 1 | 2 | 4 | 8
  /** modrm.reg. */
  readonly reg?: number
  /** modrm.rm, or the register in the opcode. */
  readonly rm?: number
  readonly memory?: Address
  /** Bytes of immediates and branch displacements. */
  readonly immediate?: readonly number[]
  readonly lock?: boolean
  /** A prefix that changes nothing (a segment without base), 0 for none. */
  readonly idlePrefix?: number
}

export interface Encoded {
  readonly bytes: readonly number[]
  /** Offset of the immediate from the first byte. */
  readonly immediateAt: number
}

const MANDATORY: Readonly<Record<string, readonly number[]>> = { np: [], '66': [0x66], f3: [0xf3], f2: [0xf2] }
const MAPS: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]

const usesModRm = (row: Row): boolean =>
  row.ext !== undefined || /\b[EGMRVWUPQN][a-z]/.test(row.operands) || (row.map === 0 && (row.code & 0xf8) === 0xd8)

/** Operand size 2, 4 or 8 is the instruction's to choose. */
export const isSized = (row: Row): boolean =>
  row.w === undefined &&
  (row.default64 === true || /[A-Z](v|z|y)\b|rAX/.test(row.operands) || row.name === 'cbw' || row.name === 'cwd')

export const littleEndian = (value: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => (n < 4 ? (value >>> (8 * n)) & 0xff : value < 0 ? 0xff : 0))

/** @param at the address of the first byte */
export function encode(row: Row, o: Operands, at: number): Encoded {
  const { reg = 0, rm = 0, memory, immediate = [] } = o
  const modrm = usesModRm(row)
  const letters = row.operands.split(' ')
  const isByte = (methods: RegExp) => letters.some((token) => methods.test(token))
  const regIsHigh = isByte(/^Gb/) && reg >= HIGH_BYTES
  const rmIsHigh = !memory && isByte(/^[EZ]b/) && rm >= HIGH_BYTES
  const regNumber = row.ext ?? (regIsHigh ? reg - HIGH_BYTES + 4 : reg)
  const rmNumber = row.rm ?? (rmIsHigh ? rm - HIGH_BYTES + 4 : rm)
  const sized = isSized(row)
  const wide = row.w === 1 || (sized && o.size === 8 && !row.default64 && !row.force64)

  let rex = wide ? 8 : 0
  if (row.ext === undefined && regNumber & 8) rex |= 4
  if (memory) {
    if (memory.index >= 8) rex |= 2
    if (memory.base >= 8) rex |= 1
  } else if (rmNumber & 8) rex |= 1
  const newByte =
    (isByte(/^Gb/) && !regIsHigh && reg >= 4 && reg < 8) ||
    (!memory && isByte(/^[EZ]b/) && !rmIsHigh && rm >= 4 && rm < 8)
  if (rex || newByte) {
    if (regIsHigh || rmIsHigh) throw new RangeError('ah, ch, dh and bh do not go with REX')
    rex |= 0x40
  }

  const bytes: number[] = []
  if (o.idlePrefix) bytes.push(o.idlePrefix)
  if (memory?.cut) bytes.push(0x67)
  if (sized && o.size === 2) bytes.push(0x66)
  if (o.lock) bytes.push(0xf0)
  if (row.prefix && !(row.prefix === '66' && bytes.includes(0x66))) bytes.push(...MANDATORY[row.prefix])
  if (rex) bytes.push(rex)
  bytes.push(...MAPS[row.map], row.code + (row.plusReg ? rmNumber & 7 : 0))
  let displacementAt = -1
  if (modrm && memory) {
    displacementAt = pushMemory(bytes, regNumber & 7, memory)
  } else if (modrm) bytes.push(0xc0 | ((regNumber & 7) << 3) | (rmNumber & 7))
  else if (memory) bytes.push(...littleEndian(memory.disp, memory.cut ? 4 : 8))
  const immediateAt = bytes.length
  bytes.push(...immediate)
  if (displacementAt >= 0) {
    const distance = littleEndian(memory!.disp - (at + bytes.length), 4)
    for (let n = 0; n < 4; n++) bytes[displacementAt + n] = distance[n]
  }
  return { bytes, immediateAt }
}

/** Answers where a displacement from the next instruction goes, or -1. */
function pushMemory(bytes: number[], reg: number, m: Address): number {
  const field = reg << 3
  if (m.ripRelative) {
    bytes.push(field | 5, 0, 0, 0, 0)
    return bytes.length - 4
  }
  if (m.base < 0) {
    bytes.push(field | 4, (m.scale << 6) | ((m.index < 0 ? 4 : m.index & 7) << 3) | 5, ...littleEndian(m.disp, 4))
    return -1
  }
  const small = m.disp >= -128 && m.disp < 128
  const none = m.disp === 0 && (m.base & 7) !== 5
  const mod = none ? 0 : small ? 0x40 : 0x80
  if (m.index >= 0 || (m.base & 7) === 4)
    bytes.push(mod | field | 4, (m.scale << 6) | ((m.index < 0 ? 4 : m.index & 7) << 3) | (m.base & 7))
  else bytes.push(mod | field | (m.base & 7))
  if (!none) bytes.push(...littleEndian(m.disp, small ? 1 : 4))
  return -1
}

/** ah, ch, dh and bh where REX is needed become the low bytes. */
export function withoutConflict(row: Row, o: Operands): Operands {
  const { reg = 0, rm = 0, memory } = o
  const isHigh = reg >= HIGH_BYTES || rm >= HIGH_BYTES
  if (!isHigh) return o
  const low = (n: number) => (n >= HIGH_BYTES ? n - HIGH_BYTES : n)
  const extended = (n: number) => n < HIGH_BYTES && n >= 4
  const usesRex =
    (/\bG/.test(row.operands) && extended(reg) && (reg >= 8 || /\bGb/.test(row.operands))) ||
    (!memory && extended(rm) && (rm >= 8 || /\b[EZ]b/.test(row.operands))) ||
    (memory !== undefined && (memory.base >= 8 || memory.index >= 8)) ||
    (isSized(row) && o.size === 8)
  return usesRex ? { ...o, reg: low(reg), rm: low(rm) } : o
}
