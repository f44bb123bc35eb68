import { definePlugin, HostClock, hostClockOrigin, type XenPlugin } from '@paravane/core'
import { NetworkUplinks } from '../uplink/network-uplink.ts'
import { type NetworksConfig, networksConfig } from './network-config.ts'
import { Networks } from './port.ts'
import { hostTime } from './switch-time.ts'
import { SwitchedNetworks } from './switched-networks.ts'

/** The switch in user space, with the networks of the configuration. */
const plugin: XenPlugin<NetworksConfig> = definePlugin({
  id: '@paravane/dev-net/networks',
  apiVersion: 1,
  config: networksConfig,
  requires: [NetworkUplinks],
  provides: [Networks],
  host(scope, config) {
    const time = hostTime(new HostClock(hostClockOrigin()))
    scope.provideWith(Networks, () => new SwitchedNetworks({ config, uplinks: scope.all(NetworkUplinks), time }))
  },
})

export default plugin
