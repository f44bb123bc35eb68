/**
 * Undoes the x86 branch filter of .xz (filter 0x04), in place: before packing, the relative target of each call and jump
 * (e8, e9) was made absolute, so that calls of one function look alike. `start` is the filter's start offset.
 *
 * The filter guesses what is an instruction: the top byte of a target must be 00 or ff, and opcodes within the three bytes
 * before one (`seen`, a bit each, the nearest lowest) make it doubtful. The guesses are the format; they cannot be bettered.
 */
export function unfilterX86(bytes: Uint8Array, start: number): void {
  let seen = 0
  let last = -1
  for (let at = 0; at + 5 <= bytes.length; at++) {
    if ((bytes[at] & 0xfe) !== 0xe8) continue
    const gap = at - last
    last = at
    seen = gap > 3 ? 0 : (seen << (gap - 1)) & 7
    if (seen !== 0 && (!SURE[seen] || isSign(bytes[at + 4 - OLDEST[seen]]))) {
      seen = (seen << 1) | 1
      continue
    }
    if (!isSign(bytes[at + 4])) {
      seen = (seen << 1) | 1
      continue
    }
    const target = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) | (bytes[at + 4] << 24)
    const relative = relativeTarget(target, start + at + 5, OLDEST[seen])
    bytes[at + 1] = relative
    bytes[at + 2] = relative >> 8
    bytes[at + 3] = relative >> 16
    bytes[at + 4] = relative & 0x01000000 ? 0xff : 0
    at += 4
  }
}

/** Whether an opcode is still believed, by the opcodes seen in the three bytes before it. */
const SURE: readonly boolean[] = [true, true, true, false, true, false, false, false]
/** How many bytes before the opcode the oldest of those stands. */
const OLDEST: readonly number[] = [0, 1, 2, 2, 3, 3, 3, 3]

function isSign(byte: number): boolean {
  return byte === 0 || byte === 0xff
}

function relativeTarget(target: number, nextInstruction: number, oldest: number): number {
  const relative = (target - nextInstruction) | 0
  const shift = oldest * 8
  if (oldest === 0 || !isSign((relative >>> (24 - shift)) & 0xff)) return relative
  // Once is enough, as that byte of `target` was none of the two before.
  return ((relative ^ (2 ** (32 - shift) - 1)) - nextInstruction) | 0
}
