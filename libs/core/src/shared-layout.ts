import { bugOn } from './errors.ts'

/**
 * Records in a SharedArrayBuffer that every thread sees, declared once:
 *
 * ```ts
 * const timerFields = { period: 'i64', next: 'i64' } as const
 * export const TIMER: SharedLayout<typeof timerFields> = sharedLayout(timerFields)
 * const vcpuFields = { flags: 'i32', timers: [TIMER as typeof TIMER, 2], ports: ['i32', 24] } as const
 *
 * TIMER.next.store(memory, VCPU.timers.at(base, 1), 5n)
 * ```
 * `base` is always the byte offset of the record in its memory. Every access is an Atomics operation, so the words of
 * a record are sequentially consistent between threads; more than one word at a time needs a lock.
 */
export type SharedLayout<F> = { readonly [K in keyof F]: SharedMember<F[K]> } & { readonly [EXTENT]: Extent }

export type SharedFieldType = 'i32' | 'i64' | readonly ['i32' | 'i64' | Sized, number]
export type SharedFieldTypes = { readonly [name: string]: SharedFieldType }
/** Any declared layout, used as the element of an array in another. */
export type Sized = { readonly [EXTENT]: Extent }

export type SharedMember<T> = T extends 'i32'
  ? SharedI32
  : T extends 'i64'
    ? SharedI64
    : T extends readonly ['i32', number]
      ? SharedI32
      : T extends readonly ['i64', number]
        ? SharedI64
        : SharedArray

/** Bytes of a record. Records are aligned to 8 bytes and sizes are multiples of 8. */
export interface Extent {
  readonly size: number
}
export const EXTENT: unique symbol = Symbol('extent')

/** The views through which one thread reaches a shared buffer. */
export class SharedMemory {
  readonly buffer: SharedArrayBuffer
  readonly i32: Int32Array
  readonly i64: BigInt64Array

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.i32 = new Int32Array(buffer)
    this.i64 = new BigInt64Array(buffer)
  }
}

/** A word, or `length` words side by side. An index out of range is a bug of ours. */
abstract class SharedField {
  /** Bytes from the start of the record. */
  readonly offset: number
  readonly length: number

  constructor(offset: number, length: number) {
    this.offset = offset
    this.length = length
  }
}

/** 32-bit words, signed. */
export class SharedI32 extends SharedField {
  /** Index of the word in `SharedMemory.i32`, for Atomics.wait. */
  index(base: number, element = 0): number {
    bugOn(!(element >= 0 && element < this.length), 'shared word index out of range')
    return ((base + this.offset) >> 2) + element
  }

  load(memory: SharedMemory, base: number, element = 0): number {
    return Atomics.load(memory.i32, this.index(base, element))
  }

  store(memory: SharedMemory, base: number, value: number, element = 0): void {
    Atomics.store(memory.i32, this.index(base, element), value)
  }

  /** Each of the following answers the value before. */
  add(memory: SharedMemory, base: number, value: number, element = 0): number {
    return Atomics.add(memory.i32, this.index(base, element), value)
  }

  or(memory: SharedMemory, base: number, bits: number, element = 0): number {
    return Atomics.or(memory.i32, this.index(base, element), bits)
  }

  /** Clears `bits`. */
  clear(memory: SharedMemory, base: number, bits: number, element = 0): number {
    return Atomics.and(memory.i32, this.index(base, element), ~bits)
  }

  exchange(memory: SharedMemory, base: number, value: number, element = 0): number {
    return Atomics.exchange(memory.i32, this.index(base, element), value)
  }

  compareExchange(memory: SharedMemory, base: number, expected: number, value: number, element = 0): number {
    return Atomics.compareExchange(memory.i32, this.index(base, element), expected, value)
  }
}

/** 64-bit words, signed. */
export class SharedI64 extends SharedField {
  index(base: number, element = 0): number {
    bugOn(!(element >= 0 && element < this.length), 'shared word index out of range')
    return (base + this.offset) / 8 + element
  }

  load(memory: SharedMemory, base: number, element = 0): bigint {
    return Atomics.load(memory.i64, this.index(base, element))
  }

  store(memory: SharedMemory, base: number, value: bigint, element = 0): void {
    Atomics.store(memory.i64, this.index(base, element), value)
  }

  /** Answers the value before. */
  add(memory: SharedMemory, base: number, value: bigint, element = 0): bigint {
    return Atomics.add(memory.i64, this.index(base, element), value)
  }

  /** Answers the value before. */
  exchange(memory: SharedMemory, base: number, value: bigint, element = 0): bigint {
    return Atomics.exchange(memory.i64, this.index(base, element), value)
  }
}

/** Records side by side. */
export class SharedArray extends SharedField {
  readonly stride: number

  constructor(offset: number, length: number, stride: number) {
    super(offset, length)
    this.stride = stride
  }

  /** Base of record `element`. */
  at(base: number, element: number): number {
    bugOn(!(element >= 0 && element < this.length), 'shared record index out of range')
    return base + this.offset + element * this.stride
  }
}

/** Bytes of a record. */
export function sharedSize(layout: Sized): number {
  return layout[EXTENT].size
}

const roundUp = (n: number, to: number) => Math.ceil(n / to) * to

/** Lays the fields out in the order given, each aligned to its size. */
export function sharedLayout<const F extends SharedFieldTypes>(fields: F): SharedLayout<F> {
  const members: Record<string, SharedField> = {}
  let end = 0
  for (const [name, type] of Object.entries(fields)) {
    const [element, length] = typeof type === 'string' ? [type, 1] : type
    if (element === 'i32') {
      end = roundUp(end, 4)
      members[name] = new SharedI32(end, length)
      end += 4 * length
    } else if (element === 'i64') {
      end = roundUp(end, 8)
      members[name] = new SharedI64(end, length)
      end += 8 * length
    } else {
      end = roundUp(end, 8)
      const { size } = element[EXTENT]
      members[name] = new SharedArray(end, length, size)
      end += size * length
    }
  }
  Object.defineProperty(members, EXTENT, { value: { size: roundUp(end, 8) } satisfies Extent })
  return Object.freeze(members) as unknown as SharedLayout<F>
}
