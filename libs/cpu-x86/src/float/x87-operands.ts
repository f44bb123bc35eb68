/** Memory operands of x87 instructions. */
import type { Unpacked } from './format.ts'
import { bitLength, finite, unpackF32, unpackF64, unpackF80, zero } from './format.ts'

export interface Source {
  readonly suffix: string
  readonly bytes: number
  read(memory: DataView): Unpacked
}

/** A signed integer of at most 65 bits, exact. */
export function fromExactInteger(n: bigint): Unpacked {
  if (n === 0n) return zero(0)
  const magnitude = n < 0n ? -n : n
  const width = bitLength(magnitude)
  return finite(n < 0n ? 1 : 0, width - 1, magnitude << BigInt(64 - width))
}

export const M32: Source = { suffix: 'm32fp', bytes: 4, read: (m) => unpackF32(m.getUint32(0, true)) }
export const M64: Source = { suffix: 'm64fp', bytes: 8, read: (m) => unpackF64(m.getBigUint64(0, true)) }
export const M80: Source = {
  suffix: 'm80fp',
  bytes: 10,
  read: (m) => unpackF80(m.getUint16(8, true), m.getBigUint64(0, true)),
}
export const I16: Source = { suffix: 'm16int', bytes: 2, read: (m) => fromExactInteger(BigInt(m.getInt16(0, true))) }
export const I32: Source = { suffix: 'm32int', bytes: 4, read: (m) => fromExactInteger(BigInt(m.getInt32(0, true))) }
export const I64: Source = { suffix: 'm64int', bytes: 8, read: (m) => fromExactInteger(m.getBigInt64(0, true)) }
