import type { ConfigKey } from '@paravane/core'
import { FEATURES, LEVELS, type Level } from './features.ts'
import { ALL } from './policy.ts'

const hideable: readonly string[] = FEATURES.filter((f) => f.level !== undefined && !f.fixed).map(({ name }) => name)

const level: ConfigKey<Level> = {
  initial: ALL.level,
  expected: `one of ${LEVELS.join(', ')}`,
  accepts: (value): value is Level => LEVELS.includes(value as Level),
}

const hide: ConfigKey<readonly string[]> = {
  initial: ALL.hide,
  expected: `a list of some of ${hideable.join(', ')}`,
  accepts: (value): value is readonly string[] =>
    Array.isArray(value) && value.every((name) => hideable.includes(name as string)),
}

/** What of the plugin's configuration says it. */
export const POLICY_KEYS: { readonly level: typeof level; readonly hide: typeof hide } = { level, hide }
