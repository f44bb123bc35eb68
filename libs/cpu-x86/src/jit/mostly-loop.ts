import type { Block, RegionCode } from './region-code.ts'
import type { RegionGraph } from './region-graph.ts'

/** Instructions of a loop. */
const SMALL = 64
/** Of this many instructions of a region one is in such loops at least. */
const ONE_IN = 3

const count = (blocks: readonly Block[]): number => blocks.reduce((sum, { insns }) => sum + insns.length, 0)

/** Whether a region is run for small loops without calls, rather than passed through. */
export function isMostlyLoop({ blocks }: RegionCode, graph: RegionGraph): boolean {
  const looped = new Set<Block>()
  for (const loop of graph.loops) {
    const inside = loop.map((block) => blocks[block])
    if (count(inside) <= SMALL && !inside.some(hasCall)) for (const block of inside) looped.add(block)
  }
  return count([...looped]) * ONE_IN >= count(blocks)
}

const hasCall = ({ insns }: Block): boolean => insns.some(({ insn: { row } }) => row.calls || row.returns)
