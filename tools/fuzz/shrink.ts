/** Attempts before the smallest case so far is good enough. */
const ATTEMPTS = 1500

/**
 * The smallest case found that still fails: parts are dropped, halves first, then bytes become zero or smaller.
 * @param fails whether a case fails (in the same way); called often
 * @param stride bytes that belong together
 */
export async function shrink(
  bytes: Uint8Array,
  stride: number,
  fails: (bytes: Uint8Array) => boolean | Promise<boolean>,
): Promise<Uint8Array> {
  let best: Uint8Array = bytes.slice()
  let left = ATTEMPTS
  const improves = async (candidate: Uint8Array): Promise<boolean> => {
    if (left-- <= 0 || !(await fails(candidate.slice()))) return false
    best = candidate
    return true
  }
  for (let before = -1; before !== weight(best) && left > 0; ) {
    before = weight(best)
    await dropParts(stride)
    for (let at = 0; at < best.length && left > 0; at++) await lower(at)
  }
  return best

  async function dropParts(unit: number): Promise<void> {
    for (let parts = Math.floor(best.length / unit); parts >= 1; parts = Math.floor(parts / 2)) {
      const size = parts * unit
      for (let at = 0; at < best.length && left > 0; ) {
        const rest = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)])
        if (rest.length === best.length || !(await improves(rest))) at += size
      }
    }
  }

  async function lower(at: number): Promise<void> {
    const value = best[at]!
    for (const smaller of [0, 1, value >> 4, value >> 1, value - 1]) {
      if (smaller < 0 || smaller >= value) continue
      if (await improves(best.with(at, smaller))) return
    }
  }
}

function weight(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte, bytes.length * 256)
}
