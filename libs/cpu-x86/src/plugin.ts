import { isAbsolute } from 'node:path'
import {
  type ConfigKey,
  type ConfigSchema,
  type ConfigValues,
  CpuEngine,
  configOf,
  definePlugin,
  type XenPlugin,
} from '@paravane/core'
import { pvEngine } from './engine.ts'
import { prepareFolder } from './kept/kept-folder.ts'
import { CpuPolicy } from './state/policy.ts'
import { POLICY_KEYS } from './state/policy-keys.ts'
import { setV8Flags } from './v8-flags.ts'

const keep: ConfigKey<string> = {
  initial: '',
  expected: 'the absolute path of a folder for compiled code, or empty',
  accepts: (value): value is string => typeof value === 'string' && (value === '' || isAbsolute(value)),
}

type Config = ConfigValues<typeof POLICY_KEYS & { keep: typeof keep }>
const config: ConfigSchema<Config> = configOf({ ...POLICY_KEYS, keep })

/** The x86-64 CPU engine for paravirtual domains. */
const plugin: XenPlugin<Config> = definePlugin({
  id: '@paravane/cpu-x86',
  apiVersion: 1,
  config,
  requires: [],
  provides: [CpuEngine],
  host(_, { keep }) {
    setV8Flags()
    if (keep !== '') prepareFolder(keep)
  },
  pcpu(scope, { keep, ...policy }) {
    scope.contribute(CpuEngine, 'pv', pvEngine(new CpuPolicy(policy), keep || undefined))
  },
})

export default plugin
