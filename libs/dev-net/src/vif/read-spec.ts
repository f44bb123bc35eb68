import { CodedError } from '@paravane/core'
import { changedVif } from './vif-change.ts'
import { parseVifSpec, type VifSpec } from './vif-spec.ts'

/** A card as xend or a program asks for it: a string of xm's, or what was read of one. @throws CodedError VIF_SPEC */
export function readSpec(config: unknown): VifSpec {
  if (typeof config === 'string') return parseVifSpec(config)
  if (typeof config !== 'object' || config === null) {
    throw new CodedError(
      { code: 'VIF_SPEC' },
      'a vif is a string such as bridge=xenbr0, or what parseVifSpec makes of one',
    )
  }
  return { ...parseVifSpec(''), ...config }
}

/**
 * What a card that is there is to be: all of it, as above, in its own network if none is named; or key by key, as `{ change: 'rate=' }`.
 * @throws CodedError VIF_SPEC, VIF_FIXED
 */
export function readChange(before: VifSpec, config: unknown): VifSpec {
  if (typeof config === 'object' && config !== null && 'change' in config && typeof config.change === 'string') {
    return changedVif(before, config.change)
  }
  const spec = readSpec(config)
  return { ...spec, bridge: spec.bridge ?? before.bridge }
}
