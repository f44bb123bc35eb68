import { type ConfigSchema, configOf, definePlugin, SchedulerOps, wholeNumber, type XenPlugin } from '@paravane/core'
import { type CreditDefaults, CreditScheduler } from './credit-scheduler.ts'
import { creditLayout } from './credit-state.ts'
import { GLOBAL_PARAMS } from './params.ts'

const { tsliceMs, ratelimitUs } = GLOBAL_PARAMS

const config: ConfigSchema<CreditDefaults> = configOf({
  tsliceMs: wholeNumber(tsliceMs),
  ratelimitUs: wholeNumber({ ...ratelimitUs, also: 0 }),
})

const plugin: XenPlugin<CreditDefaults> = definePlugin({
  id: '@paravane/sched-credit',
  apiVersion: 1,
  config,
  requires: [],
  provides: [SchedulerOps],
  pcpu(scope, defaults) {
    scope.contribute(SchedulerOps, 'credit', {
      layout: creditLayout,
      create: (state, limits, port) => new CreditScheduler(state, limits, port, defaults),
    })
  },
})

export default plugin
