import { CodedError } from '@paravane/core'
import { DEFAULTS, findKey, type Part, parseVifSpec, partsOf, type VifSpec, withParts } from './vif-spec.ts'

/** Of a card that is there, as its guest has read it. */
export const FIXED = ['mac', 'mtu', 'devid', 'trusted'] as const

/**
 * A card that is there, as it is after a change: what the change names is replaced, and is as if it had never been given where it
 * names no value (`rate=`); the rest stays.
 * @throws CodedError VIF_SPEC, VIF_FIXED
 */
export function changedVif(before: VifSpec, change: string): VifSpec {
  const { names, added } = readChange(change)
  const fields: Record<string, unknown> = { ...before }
  for (const name of names) {
    const { field } = findKey(name)
    if (field === undefined) continue
    if (Object.hasOwn(DEFAULTS, field)) fields[field] = DEFAULTS[field]
    else delete fields[field]
  }
  return withParts(fields as unknown as VifSpec, added)
}

/** The same of its text. @throws CodedError VIF_SPEC, VIF_FIXED */
export function changedVifText(before: string, change: string): string {
  const { names, added } = readChange(change)
  const text = [...partsOf(before).filter(([name]) => !names.has(name)), ...added]
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
  parseVifSpec(text)
  return text
}

function readChange(change: string): { readonly names: ReadonlySet<string>; readonly added: readonly Part[] } {
  const parts = partsOf(change)
  const names = new Set(parts.map(([name]) => name))
  for (const name of names) findKey(name)
  const fixed = FIXED.find((name) => names.has(name))
  if (fixed !== undefined) throw isFixed(fixed)
  return { names, added: parts.filter(([, value]) => value !== '') }
}

export function isFixed(key: (typeof FIXED)[number]): Error {
  const text = `${key} of a card that is there cannot be changed: detach it, and attach another`
  return new CodedError({ code: 'VIF_FIXED', key }, text)
}
