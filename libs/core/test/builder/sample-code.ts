import { Prng } from './prng.ts'

const BYTES = 40 * 1024
/** Every so many bytes, a stretch that no packer can shrink. */
const NOISE_AT = 12 * 1024
const NOISE_BYTES = 6 * 1024

/**
 * Bytes that exercise an unpacker for kernels: call and jump opcodes alone and crowded, with near and far targets, repeated
 * text, and noise. The fixtures hold exactly these bytes; a change here needs new ones (see `unpack.test.ts`).
 */
export function sampleCode(): Uint8Array {
  const prng = new Prng(0x5eed)
  const bytes = Buffer.alloc(BYTES)
  const functions = Array.from({ length: 6 }, () => prng.below(BYTES))
  let at = 0
  while (at < BYTES - 16) {
    if (at > NOISE_AT && at < NOISE_AT + NOISE_BYTES) bytes[at++] = prng.below(256)
    else if (prng.below(4) === 0) {
      // e8 e8 e9 ...: operands that look like opcodes make the x86 filter doubt.
      for (let run = prng.below(4); run >= 0; run--) bytes[at++] = prng.pick([0xe8, 0xe9, 0xe8, 0x00, 0xff, 0x90])
    } else if (prng.below(2) === 0) {
      bytes[at] = prng.pick([0xe8, 0xe9])
      bytes.writeInt32LE(prng.pick(functions) - (at + 5), at + 1)
      at += 5
    } else at += bytes.write('mov rax, [rbp - 8]; ', at, prng.below(20), 'latin1')
  }
  return bytes
}
