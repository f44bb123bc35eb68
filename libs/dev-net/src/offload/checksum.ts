/** The Internet checksum (RFC 1071): the sum of 16-bit words with the carries added in, of which the complement is sent. */

/** Over more bytes the halves of the sum below could run over. */
const STRETCH = 0x1_0000

let lastBuffer: ArrayBufferLike | undefined
let lastWords: Int32Array = new Int32Array(0)

/** Views cost as much as the sum over a short packet: the last one is kept, as packets come from the same buffers. */
function wordsOf(buffer: ArrayBufferLike): Int32Array {
  if (buffer !== lastBuffer) {
    lastBuffer = buffer
    lastWords = new Int32Array(buffer, 0, buffer.byteLength >>> 2)
  }
  return lastWords
}

/**
 * The sum over `from .. to` of `bytes`, folded to 16 bits, as big-endian words; an odd last byte has a zero behind it.
 * @param initial a sum to begin with
 */
export function sum(bytes: Uint8Array, from: number, to: number, initial = 0): number {
  let total = initial
  for (let at = from; at < to; at += STRETCH) total += sumStretch(bytes, at, Math.min(to, at + STRETCH))
  return fold(total)
}

function sumStretch(bytes: Uint8Array, from: number, to: number): number {
  const base = bytes.byteOffset
  let at = from
  // An odd start in the buffer swaps the bytes of all words: the sum of those is the sum with its bytes swapped (RFC 1071, section 2.B).
  const isOdd = ((base + at) & 1) === 1
  let low = 0
  let high = 0
  if (isOdd && at < to) low += (bytes[at++] as number) << 8
  if ((base + at) & 2 && at + 2 <= to) {
    low += (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    at += 2
  }
  const words = wordsOf(bytes.buffer)
  const first = (base + at) >> 2
  const last = at < to ? Math.min(first + ((to - at) >> 2), words.length) : first
  let i = first
  for (const end = last - 3; i < end; i += 4) {
    const a = words[i] as number
    const b = words[i + 1] as number
    const c = words[i + 2] as number
    const d = words[i + 3] as number
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff)
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)
  }
  for (; i < last; i++) {
    const word = words[i] as number
    low += word & 0xffff
    high += word >>> 16
  }
  at += (last - first) * 4
  for (; at + 2 <= to; at += 2) low += (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
  if (at < to) low += bytes[at] as number
  // The words were read as the processor has them: little-endian.
  const little = fold(low + high)
  return isOdd ? little : swap(little)
}

/** Adds the carries of a sum below 2^32 in. */
export function fold(total: number): number {
  let folded = total
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return folded
}

const swap = (word: number): number => ((word & 0xff) << 8) | (word >> 8)

export function read16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

export function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

export function read32(bytes: Uint8Array, at: number): number {
  return read16(bytes, at) * 0x1_0000 + read16(bytes, at + 2)
}

export function write32(bytes: Uint8Array, at: number, value: number): void {
  write16(bytes, at, value >>> 16)
  write16(bytes, at + 2, value & 0xffff)
}
