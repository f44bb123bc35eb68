/** Xen's credit scheduler. */
export { type CreditDefaults, CreditScheduler } from './credit-scheduler.ts'
export { creditLayout } from './credit-state.ts'
export { DOMAIN_PARAMS, GLOBAL_PARAMS, type ParamRule } from './params.ts'
export { default } from './plugin.ts'
