import { Lzma } from './lzma.ts'
import { ensure } from './unpack-error.ts'

/** What a chunk's control byte says is reset before it. */
const RESETS = { state: 0xa0, properties: 0xc0, dictionary: 0xe0 } as const
const PACKED = 0x80

/**
 * Unpacks one LZMA2 stream (the filter 0x21 of .xz), from byte `at` of `input`, to `out` from byte `to` on.
 * Returns the index after the stream's end marker, and the index after the last byte it gave.
 */
export function unlzma2(input: Uint8Array, at: number, out: Uint8Array, to: number): { at: number; to: number } {
  const lzma = new Lzma(input, out, to)
  let needsDictionary = true
  let needsProperties = true
  for (let next = at; ; ) {
    ensure(next < input.length, 'ends between two chunks')
    const control = input[next]
    if (control === 0) return { at: next + 1, to: lzma.to }
    if (control >= RESETS.dictionary || control === 1) {
      lzma.resetDictionary()
      needsDictionary = false
      needsProperties = true
    }
    ensure(!needsDictionary, 'does not begin with a reset of the dictionary')
    ensure(next + 6 <= input.length, 'ends within a chunk header')
    if (control >= PACKED) {
      const unpacked = ((control & 0x1f) << 16) + (input[next + 1] << 8) + input[next + 2] + 1
      const packed = (input[next + 3] << 8) + input[next + 4] + 1
      next += 5
      if (control >= RESETS.properties) {
        lzma.setProperties(input[next++])
        needsProperties = false
      }
      ensure(!needsProperties, 'has a chunk before its LZMA properties')
      if (control >= RESETS.state) lzma.resetState()
      ensure(next + packed <= input.length, 'ends within a chunk')
      lzma.decode(next, next + packed, unpacked)
      next += packed
    } else {
      ensure(control <= 2, `has a chunk of unknown kind ${control}`)
      const length = (input[next + 1] << 8) + input[next + 2] + 1
      next += 3
      ensure(next + length <= input.length, 'ends within a chunk')
      lzma.copy(input.subarray(next, next + length))
      next += length
    }
  }
}
