import type { AddressEffects } from './reach.ts'
import type { RegionGraph } from './region-graph.ts'

/**
 * By block: bits of the registers that some loop around it leaves as they are, but for little steps. What is reached by them is mostly in
 * the page that it was in before.
 */
export function steadyRegisters(effects: readonly AddressEffects[], graph: RegionGraph): readonly number[] {
  const before = waysBefore(effects, graph)
  const steady = effects.map(() => 0)
  for (const head of graph.sequence) {
    if (!graph.isHead(head)) continue
    const inside = [...loopOf(head, before, graph)].filter((node) => node < effects.length)
    const changed = inside.reduce((bits, block) => bits | effects[block].changed, 0)
    for (const block of inside) steady[block] |= ~changed & 0xffff
  }
  return steady
}

function waysBefore(effects: readonly AddressEffects[], graph: RegionGraph): ReadonlyMap<number, readonly number[]> {
  const before = new Map<number, number[]>(graph.sequence.map((node) => [node, []]))
  for (const node of graph.sequence) {
    const direct = node < effects.length ? effects[node].ways.map(({ to }) => graph.way(to)) : []
    for (const to of graph.entriesOf(node) ?? direct) before.get(to)?.push(node)
  }
  return before
}

/** The head and what leads back to it. */
function loopOf(head: number, before: ReadonlyMap<number, readonly number[]>, graph: RegionGraph): ReadonlySet<number> {
  const inside = new Set([head])
  const work = (before.get(head) ?? []).filter((node) => graph.isBack(node, head))
  for (let node = work.pop(); node !== undefined; node = work.pop()) {
    if (inside.has(node)) continue
    inside.add(node)
    work.push(...(before.get(node) ?? []))
  }
  return inside
}
