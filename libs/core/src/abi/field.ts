import { bugOn } from '../errors.ts'

/**
 * Accessors of one field of a C structure. `at` is always the byte offset of the outermost structure in the view, and
 * a field's own `offset` is counted from there, so `shared_info.arch.p2m_cr3` needs no arithmetic by the caller. One
 * class per width keeps every call site monomorphic; nothing here allocates, but for bigints and strings. x86 is
 * little-endian, and a view too short for the access is the caller's error (RangeError from DataView).
 */
export abstract class Field {
  /** Bytes from the start of the outermost structure. */
  readonly offset: number
  /** Bytes the field occupies. */
  readonly size: number

  constructor(offset: number, size: number) {
    this.offset = offset
    this.size = size
  }
}

/** A field of at most 32 bits. */
export abstract class NumberField extends Field {
  abstract readonly signed: boolean
  abstract get(view: DataView, at: number): number
  /** Stores the low bits of `value`, as C does. */
  abstract set(view: DataView, at: number, value: number): void
}

export class U8 extends NumberField {
  readonly signed: boolean = false
  override get(view: DataView, at: number): number {
    return view.getUint8(at + this.offset)
  }
  override set(view: DataView, at: number, value: number): void {
    view.setUint8(at + this.offset, value)
  }
}

export class S8 extends NumberField {
  readonly signed: boolean = true
  override get(view: DataView, at: number): number {
    return view.getInt8(at + this.offset)
  }
  override set(view: DataView, at: number, value: number): void {
    view.setInt8(at + this.offset, value)
  }
}

export class U16 extends NumberField {
  readonly signed: boolean = false
  override get(view: DataView, at: number): number {
    return view.getUint16(at + this.offset, true)
  }
  override set(view: DataView, at: number, value: number): void {
    view.setUint16(at + this.offset, value, true)
  }
}

export class S16 extends NumberField {
  readonly signed: boolean = true
  override get(view: DataView, at: number): number {
    return view.getInt16(at + this.offset, true)
  }
  override set(view: DataView, at: number, value: number): void {
    view.setInt16(at + this.offset, value, true)
  }
}

export class U32 extends NumberField {
  readonly signed: boolean = false
  override get(view: DataView, at: number): number {
    return view.getUint32(at + this.offset, true)
  }
  override set(view: DataView, at: number, value: number): void {
    view.setUint32(at + this.offset, value, true)
  }
}

export class S32 extends NumberField {
  readonly signed: boolean = true
  override get(view: DataView, at: number): number {
    return view.getInt32(at + this.offset, true)
  }
  override set(view: DataView, at: number, value: number): void {
    view.setInt32(at + this.offset, value, true)
  }
}

/** 2^21: the first high half whose number is past `Number.MAX_SAFE_INTEGER`. */
const UNSAFE_HI = 0x20_0000

/** A field of 64 bits. `get` makes a bigint; the others work on numbers and allocate nothing. */
export abstract class Field64 extends Field {
  abstract readonly signed: boolean
  abstract get(view: DataView, at: number): bigint
  /** The value as a number, or an infinity if it is no safe integer: so that it fails every `value < limit` check. */
  abstract getNumber(view: DataView, at: number): number

  /** Stores the low 64 bits of `value`. */
  set(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + this.offset, BigInt.asUintN(64, value), true)
  }

  /** `value` must be a safe integer, negative only in a signed field. */
  setNumber(view: DataView, at: number, value: number): void {
    bugOn(!Number.isSafeInteger(value) || (value < 0 && !this.signed), 'setNumber: value does not fit its field')
    this.setLoHi(view, at, value >>> 0, Math.floor(value / 0x1_0000_0000))
  }

  /** Bits 0 to 31, unsigned. */
  lo(view: DataView, at: number): number {
    return view.getUint32(at + this.offset, true)
  }

  /** Bits 32 to 63, unsigned. */
  hi(view: DataView, at: number): number {
    return view.getUint32(at + this.offset + 4, true)
  }

  /** Two stores of 32 bits, low half first: not atomic for a running guest. */
  setLoHi(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + this.offset, lo, true)
    view.setUint32(at + this.offset + 4, hi, true)
  }
}

export class U64 extends Field64 {
  readonly signed: boolean = false
  override get(view: DataView, at: number): bigint {
    return view.getBigUint64(at + this.offset, true)
  }
  override getNumber(view: DataView, at: number): number {
    const hi = view.getUint32(at + this.offset + 4, true)
    return hi < UNSAFE_HI ? hi * 0x1_0000_0000 + view.getUint32(at + this.offset, true) : Number.POSITIVE_INFINITY
  }
}

export class S64 extends Field64 {
  readonly signed: boolean = true
  override get(view: DataView, at: number): bigint {
    return view.getBigInt64(at + this.offset, true)
  }
  override getNumber(view: DataView, at: number): number {
    const value = view.getInt32(at + this.offset + 4, true) * 0x1_0000_0000 + view.getUint32(at + this.offset, true)
    if (Number.isSafeInteger(value)) return value
    return value < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A `char[n]` that holds a string ended by NUL, or by the end of the field. */
export class Text extends Field {
  get(view: DataView, at: number): string {
    // Copied first: the guest may write beside us, and TextDecoder refuses shared memory.
    const bytes = Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset + at + this.offset, this.size))
    const end = bytes.indexOf(0)
    return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
  }

  /** `value` in UTF-8 must leave room for its NUL; the rest of the field is zeroed. */
  set(view: DataView, at: number, value: string): void {
    const bytes = encoder.encode(value)
    bugOn(bytes.length >= this.size, 'text is too long for its field')
    const target = new Uint8Array(view.buffer, view.byteOffset + at + this.offset, this.size)
    target.fill(0)
    target.set(bytes)
  }
}
