/** The text of a program while it is written: bytes, labels, and which flags are undefined where. */
import type { Row } from '../../src/insn/row.ts'
import { type Encoded, encode, littleEndian, type Operands } from './encode.ts'
import { CODE, CODE_BYTES } from './layout.ts'
import { moreUndefined } from './selection.ts'

const FLAG: Readonly<Record<string, number>> = { c: 1, p: 4, a: 16, z: 64, s: 128, o: 2048 }
export const ALL_FLAGS = 0x8d5

const flagMasks = new Map<string, number>()
function flagMask(letters: string | undefined): number {
  if (!letters) return 0
  const known = flagMasks.get(letters)
  if (known !== undefined) return known
  const mask = [...letters].reduce((bits, letter) => bits | (FLAG[letter] ?? 0), 0)
  flagMasks.set(letters, mask)
  return mask
}

/** A place that may be jumped to. */
export interface Label {
  position: number
  /** Flags undefined on some way there. */
  undefinedFlags: number
  readonly fixups: { readonly at: number; readonly bytes: 1 | 4 | 8 }[]
}

/** Instructions do not go here, so that what refers to places after the program has room. */
const RESERVED = 64

export class Text {
  readonly bytes: Uint8Array = new Uint8Array(CODE_BYTES)
  readonly undefinedAt: Uint16Array = new Uint16Array(CODE_BYTES)
  readonly rows: Set<Row> = new Set()
  position: number
  count = 0
  undefinedFlags = 0
  /** Writes an instruction that defines all flags. */
  readonly #define: () => void

  constructor(start: number, define: () => void) {
    this.position = start
    this.#define = define
  }

  get address(): number {
    return CODE + this.position
  }

  get room(): number {
    return CODE_BYTES - RESERVED - this.position
  }

  /**
   * Writes an instruction that defines the flags if an instruction of this row would read undefined ones; it may change any free
   * register, so it comes before what the other needs.
   */
  defineFor(row: Row): void {
    if (this.undefinedFlags & flagMask(row.reads)) this.#define()
  }

  /** Writes one instruction and answers its parts. */
  emit(row: Row, operands: Operands): Encoded & { readonly at: number } {
    this.defineFor(row)
    const at = this.position
    const encoded = encode(row, operands, CODE + at)
    this.raw(encoded.bytes)
    this.rows.add(row)
    this.#flagsAfter(row, operands)
    return { ...encoded, at }
  }

  /** Writes bytes that are one instruction. */
  raw(bytes: readonly number[]): void {
    if (this.room < 0) throw new RangeError('the program is too long')
    this.undefinedAt[this.position] |= this.undefinedFlags
    this.bytes.set(bytes, this.position)
    this.position += bytes.length
    this.count++
  }

  #flagsAfter(row: Row, { size, immediate }: Operands): void {
    const isByte = /^[EZ]b|^AL/.test(row.operands)
    const effective = isByte ? 1 : size
    const undefined_ = flagMask(row.undefines) | flagMask(moreUndefined(row, effective))
    if (row.operands.endsWith('Iub') && row.writes && (immediate![0] & (effective === 8 ? 63 : 31)) === 0) {
      if (/^(sh|sa|ro|rc)/.test(row.name)) return
    }
    const keeps = row.mayKeep || (row.rep === 'repz' && row.prefix !== undefined)
    const kept = keeps ? this.undefinedFlags : this.undefinedFlags & ~flagMask(row.writes)
    this.undefinedFlags = kept | undefined_
  }

  label(): Label {
    return { position: -1, undefinedFlags: 0, fixups: [] }
  }

  /** The last `bytes` written, or those at `at`, refer to the label: as a distance, or with 8 bytes its address. */
  refer(label: Label, bytes: 1 | 4 | 8, at: number = this.position - bytes): void {
    if (bytes !== 8) label.undefinedFlags |= this.undefinedFlags
    label.fixups.push({ at, bytes })
    if (label.position >= 0) this.#fix(label)
  }

  /** Puts the label here. `reached` says whether control also comes from above. */
  bind(label: Label, reached: boolean = true): void {
    label.position = this.position
    this.undefinedFlags = label.undefinedFlags | (reached ? this.undefinedFlags : 0)
    this.#fix(label)
  }

  #fix(label: Label): void {
    for (const { at, bytes } of label.fixups.splice(0)) {
      if (bytes === 8) {
        this.bytes.set(littleEndian(CODE + label.position, 8), at)
        continue
      }
      const distance = label.position - (at + bytes)
      if (bytes === 1 && (distance < -128 || distance > 127)) throw new RangeError('a short jump is too long')
      this.bytes.set(littleEndian(distance, bytes), at)
    }
  }

  /** Bytes that are no instructions. */
  data(bytes: readonly number[]): number {
    const at = this.position
    this.bytes.set(bytes, at)
    this.position += bytes.length
    return at
  }

  setImmediate(at: number, value: number, count: number): void {
    this.bytes.set(littleEndian(value, count), at)
  }
}
