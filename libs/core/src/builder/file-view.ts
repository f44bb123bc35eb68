import { DomainBuildError } from './build-error.ts'

/** Offsets and lengths above this are nonsense in any kernel file; below it they are exact as numbers. */
const MAX_OFFSET = 2n ** 48n

/** A kernel file read with every bound checked: what lies outside is a `DomainBuildError` naming the file. */
export class FileView {
  /** Name of the file, for messages. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly #data: DataView

  constructor(bytes: Uint8Array, name: string) {
    this.name = name
    this.bytes = bytes
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length(): number {
    return this.bytes.length
  }

  /** Bytes [offset, offset + length), not copied. `what` names them in the message. */
  slice(offset: number, length: number, what: string): Uint8Array {
    this.#check(offset, length, what)
    return this.bytes.subarray(offset, offset + length)
  }

  u8(offset: number, what: string): number {
    this.#check(offset, 1, what)
    return this.#data.getUint8(offset)
  }

  u16(offset: number, what: string): number {
    this.#check(offset, 2, what)
    return this.#data.getUint16(offset, true)
  }

  u32(offset: number, what: string): number {
    this.#check(offset, 4, what)
    return this.#data.getUint32(offset, true)
  }

  u64(offset: number, what: string): bigint {
    this.#check(offset, 8, what)
    return this.#data.getBigUint64(offset, true)
  }

  /** A 64-bit offset or length as a number; refused when no file could hold it. */
  offset64(offset: number, what: string): number {
    const value = this.u64(offset, what)
    if (value > MAX_OFFSET) this.fail(`its ${what} is 0x${value.toString(16)}, far outside the file`)
    return Number(value)
  }

  /** True when `pattern` stands at `offset`; false also when the file ends before. */
  has(offset: number, pattern: readonly number[]): boolean {
    return offset + pattern.length <= this.length && pattern.every((byte, i) => this.bytes[offset + i] === byte)
  }

  fail(why: string): never {
    throw new DomainBuildError('KERNEL_FORMAT', `kernel ${this.name}: ${why}; the file is damaged, install it again`)
  }

  #check(offset: number, length: number, what: string): void {
    if (offset < 0 || length < 0 || offset + length > this.length) {
      this.fail(`truncated: its ${what} ends at byte ${offset + length} of ${this.length}`)
    }
  }
}
