/** The CRC-64 of .xz (ECMA-182, reflected): polynomial, low and high word. */
const POLYNOMIAL = { low: 0xd7870f42, high: 0xc96c5795 } as const
const LOW = new Uint32Array(256)
const HIGH = new Uint32Array(256)

for (let byte = 0; byte < 256; byte++) {
  let low = byte
  let high = 0
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1
    low = (low >>> 1) | (high << 31)
    high >>>= 1
    if (odd) {
      low ^= POLYNOMIAL.low
      high ^= POLYNOMIAL.high
    }
  }
  LOW[byte] = low
  HIGH[byte] = high
}

/** The checksum of `bytes` as its low and its high word. */
export function crc64(bytes: Uint8Array): { low: number; high: number } {
  let low = -1
  let high = -1
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff
    low = ((low >>> 8) | (high << 24)) ^ LOW[index]
    high = (high >>> 8) ^ HIGH[index]
  }
  return { low: ~low >>> 0, high: ~high >>> 0 }
}
