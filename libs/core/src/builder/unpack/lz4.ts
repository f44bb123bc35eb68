import { ensure } from './unpack-error.ts'

/**
 * The LZ4 legacy frame (lz4_Frame_format.md, "Legacy frame"), which is what `lz4 -l` and the kernel's build write: blocks of
 * at most 8 MiB, each preceded by its packed length. Own code: npm's lz4 packages read the newer frame only, or are native.
 */
export const LZ4_LEGACY_MAGIC: readonly number[] = [0x02, 0x21, 0x4c, 0x18]
const BLOCK_BYTES = 8 * 1024 * 1024
/** Packed length of a full block of incompressible bytes. */
const MAX_PACKED_BLOCK = BLOCK_BYTES + Math.ceil(BLOCK_BYTES / 255) + 16
const MIN_MATCH = 4

/** Unpacks a legacy frame that ends where `packed` ends. */
export function unlz4(packed: Uint8Array, maxBytes: number): Uint8Array {
  const header = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  // No byte of a block gives more than 255.
  const scratch = new Uint8Array(Math.min(BLOCK_BYTES, packed.length * 255))
  const blocks: Uint8Array[] = []
  let total = 0
  for (let at = LZ4_LEGACY_MAGIC.length; at < packed.length; ) {
    ensure(at + 4 <= packed.length, 'ends within a block length')
    const length = header.getUint32(at, true)
    at += 4
    ensure(length > 0 && length <= MAX_PACKED_BLOCK, `has a block of ${length} bytes`)
    ensure(at + length <= packed.length, 'ends within a block')
    const unpacked = unlz4Block(packed.subarray(at, at + length), scratch)
    at += length
    // So that the work is bounded by what comes out, not by the number of blocks.
    ensure(unpacked === BLOCK_BYTES || at === packed.length, 'has a short block that is not its last')
    total += unpacked
    ensure(total <= maxBytes, `unpacks to more than ${maxBytes} bytes`)
    blocks.push(scratch.slice(0, unpacked))
  }
  return Buffer.concat(blocks, total)
}

/** Unpacks one LZ4 block (lz4_Block_format.md) into `out`; returns how many bytes it gave. */
function unlz4Block(packed: Uint8Array, out: Uint8Array): number {
  const maxBytes = out.length
  let to = 0
  let at = 0
  /** A length whose nibble was 15 goes on in bytes, up to the first that is not 255. */
  const more = (length: number): number => {
    let sum = length
    let byte = 255
    while (byte === 255) {
      ensure(at < packed.length, 'ends within a length')
      byte = packed[at++]
      sum += byte
    }
    return sum
  }
  while (at < packed.length) {
    const token = packed[at++]
    const literals = token >> 4 === 15 ? more(15) : token >> 4
    ensure(at + literals <= packed.length && to + literals <= maxBytes, 'has literals outside its block')
    out.set(packed.subarray(at, at + literals), to)
    at += literals
    to += literals
    if (at === packed.length) break
    ensure(at + 2 <= packed.length, 'ends within a match')
    const distance = packed[at] | (packed[at + 1] << 8)
    at += 2
    const length = ((token & 15) === 15 ? more(15) : token & 15) + MIN_MATCH
    ensure(distance > 0 && distance <= to, 'has a match before its start')
    ensure(to + length <= maxBytes, 'has a match beyond its end')
    if (distance >= length) {
      out.copyWithin(to, to - distance, to - distance + length)
      to += length
    } else {
      // The match overlaps what it writes: a repeating pattern, to be copied in order.
      for (const end = to + length; to < end; to++) out[to] = out[to - distance]
    }
  }
  return to
}
