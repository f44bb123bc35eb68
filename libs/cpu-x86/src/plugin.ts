import { type ConfigSchema, type ConfigValues, CpuEngine, definePlugin, noConfig, type XenPlugin } from '@paravane/core'
import { pvEngine } from './engine.ts'
import { setV8Flags } from './v8-flags.ts'

type NoConfig = ConfigValues<Record<never, never>>
const config: ConfigSchema<NoConfig> = noConfig

/** The x86-64 CPU engine for paravirtual domains. */
const plugin: XenPlugin<NoConfig> = definePlugin({
  id: '@paravane/cpu-x86',
  apiVersion: 1,
  config,
  requires: [],
  provides: [CpuEngine],
  host() {
    setV8Flags()
  },
  pcpu(scope) {
    scope.contribute(CpuEngine, 'pv', pvEngine)
  },
})

export default plugin
