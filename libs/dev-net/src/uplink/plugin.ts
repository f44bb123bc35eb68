import { definePlugin, noConfig, type XenPlugin } from '@paravane/core'
import { NetworkUplinks } from './network-uplink.ts'
import { noUplink } from './none.ts'

/** The uplinks that come with Paravane. Others' plugins contribute theirs under the same token. */
const plugin: XenPlugin = definePlugin({
  id: '@paravane/dev-net/uplinks',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [NetworkUplinks],
  host(scope) {
    scope.contribute(NetworkUplinks, 'none', noUplink)
  },
})

export default plugin
