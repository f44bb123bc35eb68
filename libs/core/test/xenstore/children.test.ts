import { expect, test } from 'vitest'
import { Children } from '../../src/xenstore/children.ts'

/** The same numbers on each run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

interface Pair {
  readonly children: Children<number>
  readonly model: Map<string, number>
}

test.each([1, 2, 3])('copies go their own ways, and each keeps its order, as maps would (seed %i)', (seed) => {
  const next = random(seed)
  const pairs: Pair[] = [{ children: new Children(), model: new Map() }]
  for (let step = 0; step < 20_000; step++) {
    const { children, model } = pairs[next(pairs.length)]!
    const name = `n${next(30)}`
    const act = next(20)
    if (act === 0) {
      const copy = { children: children.copy(), model: new Map(model) }
      if (pairs.length < 6) pairs.push(copy)
      else pairs[next(6)] = copy
    } else if (act < 8 && model.has(name)) {
      children.delete(name)
      model.delete(name)
    } else {
      children.set(name, step)
      model.set(name, step)
    }
    if (step % 10 > 0) continue
    for (const pair of pairs) {
      expect([...pair.children]).toEqual([...pair.model])
      expect(pair.children.size).toBe(pair.model.size)
      expect(pair.children.get(name)).toBe(pair.model.get(name))
    }
  }
})
