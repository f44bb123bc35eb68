import { CpuEngine, definePlugin, type XenPlugin } from '@paravane/core'
import { pvEngine } from './engine.ts'
import { CpuPolicy, type PolicyConfig, policySchema } from './state/policy.ts'
import { setV8Flags } from './v8-flags.ts'

/** The x86-64 CPU engine for paravirtual domains. */
const plugin: XenPlugin<PolicyConfig> = definePlugin({
  id: '@paravane/cpu-x86',
  apiVersion: 1,
  config: policySchema,
  requires: [],
  provides: [CpuEngine],
  host() {
    setV8Flags()
  },
  pcpu(scope, config) {
    scope.contribute(CpuEngine, 'pv', pvEngine(new CpuPolicy(config)))
  },
})

export default plugin
