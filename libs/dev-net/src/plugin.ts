import { BackendDrivers, definePlugin, noConfig, type XenPlugin } from '@paravane/core'
import { VifDriver } from './netback/vif-driver.ts'
import { Networks } from './switch/port.ts'

/** Network cards of guests: back ends of type `vif`, on networks that another plugin provides. */
const plugin: XenPlugin<Record<never, never>> = definePlugin({
  id: '@paravane/dev-net',
  apiVersion: 1,
  config: noConfig,
  requires: [Networks],
  provides: [BackendDrivers],
  host(scope) {
    scope.contribute(BackendDrivers, 'vif', new VifDriver(scope.get(Networks)))
  },
})

export default plugin
