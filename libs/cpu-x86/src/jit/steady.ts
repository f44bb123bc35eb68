import type { AddressEffects } from './reach.ts'
import type { RegionGraph } from './region-graph.ts'

/** The bit of what is reached without registers, near the code or in a segment: steady in every loop. */
export const STEADY_PAGE: number = 1 << 16

/**
 * By block: bits of the registers that some loop around it leaves as they are, but for little steps. What is reached by them is mostly in
 * the page that it was in before.
 */
export function steadyRegisters(effects: readonly AddressEffects[], graph: RegionGraph): readonly number[] {
  const steady = effects.map(() => 0)
  for (const { inside } of graph.loops) {
    const changed = inside.reduce((bits, block) => bits | effects[block].changed, 0)
    for (const block of inside) steady[block] |= (~changed & 0xffff) | STEADY_PAGE
  }
  return steady
}
