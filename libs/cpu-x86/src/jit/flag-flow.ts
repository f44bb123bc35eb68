import type { FlagState } from './flag-state.ts'
import type { KnownFlags } from './symbolic-flags.ts'

/** What is known of the flags where a block begins; 'dead': nobody asks for them before they are set. */
export type FlagsAt = FlagState | 'dynamic' | 'dead'

/** What one block does with the flags, as found by emitting it once for nothing. */
export interface FlagEffects {
  /** Whether it looks at the flags that it begins with, or may be left with them. */
  readonly isAsking: boolean
  /** To other blocks, with the flags as they are there. */
  readonly ways: readonly { readonly to: number; readonly flags: KnownFlags }[]
}

const same = (a: FlagsAt, b: FlagsAt): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && a.kind === b.kind && a.size === b.size)

/** For each block, from the effects of all of them. The vCPU's word says what they are at the entries. */
export function flagFlow(effects: readonly FlagEffects[], entered: readonly number[]): FlagsAt[] {
  const asked = askedFor(effects)
  const at: (FlagsAt | undefined)[] = effects.map((_, n) => (asked[n] ? undefined : 'dead'))
  const meet = (to: number, flags: FlagsAt): boolean => {
    const known = at[to]
    if (known === 'dead' || known === 'dynamic') return false
    if (known !== undefined && same(known, flags)) return false
    at[to] = known === undefined ? flags : 'dynamic'
    return true
  }
  const work = [...effects.keys()]
  for (const entry of entered) if (asked[entry]) at[entry] = 'dynamic'
  for (let from = work.pop(); from !== undefined; from = work.pop())
    for (const { to, flags } of effects[from].ways) {
      const here = flags === 'incoming' ? at[from] : flags
      if (here !== undefined && meet(to, here)) work.push(to)
    }
  return at.map((known) => known ?? 'dynamic')
}

/** Whether the flags that a block begins with matter. */
function askedFor(effects: readonly FlagEffects[]): boolean[] {
  const asked = effects.map(({ isAsking }) => isAsking)
  for (let changed = true; changed; ) {
    changed = false
    for (const [from, { ways }] of effects.entries()) {
      if (asked[from] || !ways.some(({ to, flags }) => flags === 'incoming' && asked[to])) continue
      asked[from] = true
      changed = true
    }
  }
  return asked
}
