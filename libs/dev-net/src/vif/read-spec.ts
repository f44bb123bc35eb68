import { CodedError } from '@paravane/core'
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
