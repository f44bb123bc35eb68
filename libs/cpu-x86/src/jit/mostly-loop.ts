import { type Block, type RegionCode, type RegionInsn, target } from './region-code.ts'
import type { Loop, RegionGraph } from './region-graph.ts'

/** Instructions of a loop. */
const SMALL = 64
/** Of this many instructions of a region one is in such loops at least. */
const ONE_IN = 3

/** Whether a region is run for small loops without calls, rather than passed through. */
export function isMostlyLoop(region: RegionCode, graph: RegionGraph): boolean {
  const looped = new Set<RegionInsn>()
  for (const loop of graph.loops) for (const insn of smallLoop(region, graph, loop) ?? []) looped.add(insn)
  const all = region.blocks.reduce((sum, { insns }) => sum + insns.length, 0)
  return looped.size * ONE_IN >= all
}

/** The instructions of a loop that is small and calls nothing: registers are worth being kept in locals there. */
export function smallLoop(
  { blocks }: RegionCode,
  graph: RegionGraph,
  { inside }: Loop,
): readonly RegionInsn[] | undefined {
  const offsets = new Set(inside.map((block) => blocks[block].offset))
  const insns = inside.flatMap((block) => upToLastWay(blocks[block], offsets, graph))
  return insns.length <= SMALL && !insns.some(({ insn: { row } }) => row.calls || row.returns) ? insns : undefined
}

/** A block goes on behind a jump that is not taken, and then may be out of the loop. */
function upToLastWay(
  { insns, fallsThrough, next }: Block,
  inside: ReadonlySet<number>,
  graph: RegionGraph,
): readonly RegionInsn[] {
  if (fallsThrough && inside.has(next)) return insns
  const ways = (here: RegionInsn): readonly (number | undefined)[] => [target(here), ...graph.targets(here)]
  return insns.slice(0, insns.findLastIndex((here) => ways(here).some((to) => to !== undefined && inside.has(to))) + 1)
}
