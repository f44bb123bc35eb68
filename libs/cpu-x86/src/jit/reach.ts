import { FIRST_OWN, keyOf, type Linear, PAGE, shifted, sum, value } from './linear.ts'
import type { RegionGraph } from './region-graph.ts'

/** An access to memory that a block makes, whatever becomes of its conditions. */
export interface BlockAccess {
  /** Of the block: see `accessKey`. */
  readonly key: number
  readonly address: Linear
  readonly size: number
  readonly write: boolean
  /** #GP where it is not aligned. */
  readonly isAligned: boolean
}

/** What one block does, as found by emitting it once for nothing. */
export interface AddressEffects {
  readonly accesses: readonly BlockAccess[]
  /** By accesses' keys: bits of registers that are small there. */
  readonly small: ReadonlyMap<number, number>
  /** Bits of registers that are changed by more than a little. */
  readonly changed: number
  /** To other blocks, with so many of the accesses made and the registers as they are there. */
  readonly ways: readonly { readonly to: number; readonly accesses: number; readonly registers: readonly Linear[] }[]
}

/** What one look at a page is for: accesses whose addresses differ by constants. The first of them makes it. */
export interface Reach {
  /** Bytes from the first access's address to the start, 0 or less, and to the end. */
  from: number
  to: number
  /** How many accesses. */
  count: number
  readonly write: boolean
  /** Whether it is known to lie in one page. */
  readonly isWithin: boolean
  /** Of the locals that such host addresses are kept in. */
  readonly slot: number
}

export interface Reached {
  readonly reach: Reach
  readonly leads: boolean
  /** From the first access's address. */
  readonly offset: number
  /** Whether it is known to be aligned. */
  readonly isSurelyAligned: boolean
}

/** By block, by the accesses' keys. */
export type ReachedAt = readonly ReadonlyMap<number, Reached>[]

/** The n-th access of the instruction at an offset. */
export const accessKey = (offset: number, n: number): number => offset * 16 + n

/** Bytes that one look is for at most: the more there are, the more often they lie in two pages. */
const SPAN = 256
/** Looks that are remembered at once. */
const SLOTS = [0, 1, 2, 3, 4, 5, 6, 7] as const

interface Known {
  readonly key: string
  readonly plus: bigint
  readonly reach: Reach
  /** Distances from the first access that are multiples of 16 from one known to be aligned. */
  readonly aligned: ReadonlySet<number>
}

interface State {
  readonly registers: readonly Linear[]
  readonly known: readonly Known[]
}

/**
 * Which accesses need no look at a page of their own: what is reached by the same sum of registers, but for a constant, lies in the page
 * of the first. That holds until another way joins: only at loops and behind the region do other vCPUs get what they ask for.
 */
export function reachFlow(effects: readonly AddressEffects[], graph: RegionGraph): ReachedAt {
  const at: (State | undefined)[] = effects.map(() => undefined)
  const own = { next: FIRST_OWN }
  const reached = effects.map(() => new Map<number, Reached>())
  for (const block of graph.sequence) {
    if (block >= effects.length) continue
    const begin = at[block] ?? fresh(own)
    const { accesses, ways } = effects[block]
    const terms = new Map<number, Linear>()
    const here = (linear: Linear): Linear | undefined => translated(linear, begin.registers, terms, own)
    let known = begin.known
    for (let n = 0; n <= accesses.length; n++) {
      for (const way of ways) {
        if (way.accesses !== n || graph.isBack(block, graph.way(way.to)) || !isOnlyWay(graph, way.to)) continue
        at[way.to] = { registers: way.registers.map((linear) => here(linear) ?? value(own.next++)), known }
      }
      if (n === accesses.length) break
      const access = accesses[n]
      const address = here(access.address)
      if (address) known = reach(known, access, address, reached[block])
    }
  }
  return reached.map((block) => new Map([...block].filter(([, one]) => one.reach.count > 1)))
}

function fresh(own: { next: number }): State {
  return { registers: Array.from({ length: 16 }, () => value(own.next++)), known: [] }
}

/** Whether nothing but the way that was found leads to the block. */
function isOnlyWay(graph: RegionGraph, block: number): boolean {
  return graph.way(block) === block && !graph.isMerge(block) && !graph.isHead(block) && !graph.entered.includes(block)
}

/** In the region's terms. */
function translated(
  { terms, plus }: Linear,
  registers: readonly Linear[],
  own: Map<number, Linear>,
  numbers: { next: number },
): Linear | undefined {
  let all: Linear | undefined = { terms: [], plus }
  for (const { of, shift } of terms) {
    if (of >= FIRST_OWN && !own.has(of)) own.set(of, value(numbers.next++))
    const term = of < 0 ? value(of) : of < FIRST_OWN ? registers[of] : (own.get(of) as Linear)
    all = all && sum(all, shifted(term, shift))
  }
  return all
}

/** Adds an access to what is reached; answers what is known behind it. */
function reach(
  known: readonly Known[],
  access: BlockAccess,
  address: Linear,
  reached: Map<number, Reached>,
): readonly Known[] {
  const { key, size, write, isAligned } = access
  const sumKey = keyOf(address)
  const found = known.find((one) => one.key === sumKey && (one.reach.write || !write) && fits(one, address, size))
  const isWithin = sumKey === PAGE_KEY
  if (!found) {
    if (isWithin && !inOnePage(address.plus, address.plus, size)) return known
    const free = SLOTS.find((slot) => known.every(({ reach }) => reach.slot !== slot))
    const slot = free ?? known[0].reach.slot
    const mine: Reach = { from: 0, to: size, count: 1, write, isWithin, slot }
    reached.set(key, { reach: mine, leads: true, offset: 0, isSurelyAligned: false })
    const aligned = new Set(isAligned ? [0] : [])
    return [...(free === undefined ? known.slice(1) : known), { key: sumKey, plus: address.plus, reach: mine, aligned }]
  }
  const offset = Number(address.plus - found.plus)
  found.reach.from = Math.min(found.reach.from, offset)
  found.reach.to = Math.max(found.reach.to, offset + size)
  found.reach.count++
  const isSurelyAligned = found.aligned.has(offset & 15)
  reached.set(key, { reach: found.reach, leads: false, offset, isSurelyAligned })
  const now = !isAligned || isSurelyAligned ? found : { ...found, aligned: new Set([...found.aligned, offset & 15]) }
  // The one used last stays longest: an instruction may use two.
  return [...known.filter((one) => one !== found), now]
}

function fits({ plus, reach: { from, to }, key }: Known, address: Linear, size: number): boolean {
  const offset = Number(address.plus - plus)
  if (Math.max(to, offset + size) - Math.min(from, offset) > SPAN) return false
  return key !== PAGE_KEY || inOnePage(plus, address.plus, size)
}

const PAGE_KEY = keyOf(value(PAGE))

/** Whether bytes at a distance from the region's page are in the page of what is at another. */
function inOnePage(first: bigint, plus: bigint, size: number): boolean {
  return plus >> 12n === first >> 12n && (plus + BigInt(size) - 1n) >> 12n === first >> 12n
}
