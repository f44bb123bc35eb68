import type { SchedulerParams } from '@paravane/core'

/** Bounds of a parameter, both included, and what it is at first. */
export interface ParamRule {
  readonly min: number
  readonly max: number
  readonly initial: number
  /** Allowed although below `min`. */
  readonly off?: number
}

/** Of a domain. The weight is relative to other domains', per vCPU; the cap is percent of one pCPU, 0 for none. */
export const DOMAIN_PARAMS: Readonly<Record<'weight' | 'cap', ParamRule>> = {
  weight: { min: 1, max: 65535, initial: 256 },
  cap: { min: 0, max: 65535, initial: 0 },
}

/** Of the scheduler: longest run in ms, shortest run before another may preempt it in µs (0: none). */
export const GLOBAL_PARAMS: Readonly<Record<'tsliceMs' | 'ratelimitUs', ParamRule>> = {
  tsliceMs: { min: 1, max: 1000, initial: 30 },
  ratelimitUs: { min: 100, max: 500_000, initial: 1000, off: 0 },
}

/** Whether every name is known and every value a whole number within its bounds. */
export function validParams(rules: Readonly<Record<string, ParamRule>>, params: SchedulerParams): boolean {
  return Object.entries(params).every(([name, value]) => {
    if (!Object.hasOwn(rules, name)) return false
    const { min, max, off } = rules[name] as ParamRule
    return Number.isInteger(value) && (value === off || (value >= min && value <= max))
  })
}
