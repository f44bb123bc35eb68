/** What a simulated unit does: runs that long, then sleeps that long, and so on; ns. `Infinity` is for ever. */
export type Workload = Iterator<{ readonly run: number; readonly sleep: number }>

/** Never stops. */
export function* spin(): Generator<{ run: number; sleep: number }> {
  for (;;) yield { run: Number.POSITIVE_INFINITY, sleep: 0 }
}

/** Runs and sleeps in a fixed rhythm; ns. */
export function* rhythm(run: number, sleep: number): Generator<{ run: number; sleep: number }> {
  for (;;) yield { run, sleep }
}

/** Numbers in [0, 1) that depend on the seed alone: for simulations, not for guests. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // A full-period 32-bit congruential generator, with its upper bits stirred into the lower.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32
  }
}

/** Runs and sleeps for times up to the given ones; ns. */
export function* bursts(seed: number, run: number, sleep: number): Generator<{ run: number; sleep: number }> {
  const random = seeded(seed)
  for (;;) yield { run: 1 + Math.floor(random() * run), sleep: 1 + Math.floor(random() * sleep) }
}
