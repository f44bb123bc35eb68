/** A plugin that hands the hypervisor's networks to its process, for lists and captures. */
import { type ConfigKey, configOf, definePlugin, type XenPlugin } from '@paravane/core'
import { Networks } from '@paravane/dev-net'

type TakeNetworks = (networks: Networks) => void

const take: ConfigKey<TakeNetworks> = {
  expected: 'a function',
  accepts: (value): value is TakeNetworks => typeof value === 'function',
}

const plugin: XenPlugin<{ readonly take: TakeNetworks }> = definePlugin({
  id: '@paravane/xend/network-view',
  apiVersion: 1,
  config: configOf({ take }),
  requires: [Networks],
  provides: [],
  host(scope, { take }) {
    take(scope.get(Networks))
  },
})

export default plugin
