import { ALL_PLAIN, type Plain, resolve } from './vector-state.ts'

/** What one block does with the vector registers, as found by emitting it once for nothing. */
export interface VectorEffects {
  /** By register: bits that it would rather find plain where it begins. */
  readonly wanted: readonly number[]
  readonly ways: readonly { readonly to: number; readonly vectors: readonly Plain[] }[]
}

/** What is plain where blocks begin, by register. */
export interface VectorsAt {
  readonly blocks: readonly (readonly number[])[]
  /** What the region's first entry is to make sure of: the others make sure of nothing. */
  readonly entry: readonly number[]
}

const NOTHING: readonly number[] = new Array<number>(16).fill(0)

/** @param entered blocks at the region's entries */
export function vectorFlow(effects: readonly VectorEffects[], [entry, ...others]: readonly number[]): VectorsAt {
  if (effects.every(({ wanted }) => wanted.every((bits) => bits === 0)))
    return { blocks: effects.map(() => NOTHING), entry: NOTHING }
  const wanted = wantedAt(effects)
  const at = effects.map(() => new Array<number>(16).fill(ALL_PLAIN))
  at[entry] = [...wanted[entry]]
  for (const other of others) at[other].fill(0)
  const work = [...effects.keys()]
  for (let from = work.pop(); from !== undefined; from = work.pop())
    for (const { to, vectors } of effects[from].ways) {
      let isChanged = false
      for (const [n, plain] of vectors.entries()) {
        const bits = at[to][n] & resolve(plain, at[from])
        isChanged ||= bits !== at[to][n]
        at[to][n] = bits
      }
      if (isChanged) work.push(to)
    }
  return { blocks: at, entry: wanted[entry] }
}

/** Bits that this block or one behind it would rather find plain. */
function wantedAt(effects: readonly VectorEffects[]): number[][] {
  const wanted = effects.map((effect) => [...effect.wanted])
  for (let changed = true; changed; ) {
    changed = false
    for (const [block, { ways }] of effects.entries())
      for (const { to, vectors } of ways)
        for (const [n, { from, and, or }] of vectors.entries()) {
          if (from < 0) continue
          const more = wanted[to][n] & and & ~or & ~wanted[block][from]
          if (more === 0) continue
          wanted[block][from] |= more
          changed = true
        }
  }
  return wanted
}
