import { smallLoop } from './mostly-loop.ts'
import type { RegionCode } from './region-code.ts'
import type { RegionGraph } from './region-graph.ts'

/** By block: registers (bits) whose locals have their values however control gets there. */
export interface Carried {
  /** As one of several ways that lead on to it meet. */
  readonly joined: readonly number[]
  /** As ways lead back to it. */
  readonly looped: readonly number[]
}

/**
 * What a small loop asks for is loaded in front of it and stays in locals until it is left; of loops in each other the outermost small
 * one decides.
 * @param asked by block
 */
export function carriedRegisters(region: RegionCode, graph: RegionGraph, asked: readonly number[]): Carried {
  const looped = region.blocks.map(() => 0)
  const heads = new Set<number>()
  for (const loop of graph.loops) {
    const { head, inside } = loop
    if (inside.some((block) => looped[block] !== 0) || !smallLoop(region, graph, loop)) continue
    const bits = inside.reduce((all, block) => all | asked[block], 0)
    for (const block of inside) looped[block] = bits
    heads.add(head)
  }
  // In front of the loop they are not there yet.
  return { looped, joined: looped.map((bits, block) => (heads.has(block) ? 0 : bits)) }
}
