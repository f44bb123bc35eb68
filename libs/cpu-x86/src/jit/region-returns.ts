import { type Block, type RegionCode, type RegionInsn, target } from './region-code.ts'

/**
 * Where the returns of a region may lead within it, by their offsets: behind each call of a function that they are in. A return is in
 * the functions from whose entries jumps lead to it, where calls are taken to return.
 */
export function returnTargets({ blocks, calls, targets }: RegionCode): ReadonlyMap<number, readonly number[]> {
  const places = new Map(blocks.map((block) => [block.offset, block]))
  const callBacks = new Map(calls.map(({ offset, back }) => [offset, back]))
  const found = new Map<number, Set<number>>()
  for (const entry of new Set(calls.map(({ to }) => to))) {
    const backs = calls.filter(({ to }) => to === entry).map(({ back }) => back)
    for (const offset of returnsOf(entry, places, callBacks, targets)) {
      const known = found.get(offset) ?? new Set<number>()
      for (const back of backs) if (places.has(back)) known.add(back)
      found.set(offset, known)
    }
  }
  return new Map([...found].map(([offset, backs]) => [offset, [...backs]]))
}

/** Offsets of the returns of a function. */
function returnsOf(
  entry: number,
  places: ReadonlyMap<number, Block>,
  callBacks: ReadonlyMap<number, number>,
  targets: ReadonlyMap<number, readonly number[]>,
): number[] {
  const seen = new Set<number>()
  const work = [entry]
  const found: number[] = []
  const follow = (here: RegionInsn): void => {
    const { row } = here.insn
    if (row.returns) found.push(here.offset)
    if (row.calls) {
      const back = callBacks.get(here.offset)
      if (back !== undefined) work.push(back)
      return
    }
    const to = target(here)
    if (to !== undefined) work.push(to)
    work.push(...(targets.get(here.offset) ?? []))
  }
  for (let offset = work.pop(); offset !== undefined; offset = work.pop()) {
    const block = places.get(offset)
    if (!block || seen.has(offset)) continue
    seen.add(offset)
    for (const here of block.insns) if (here.insn.row.ends) follow(here)
    if (block.fallsThrough) work.push(block.next)
  }
  return found
}
