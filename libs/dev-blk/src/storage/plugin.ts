import { definePlugin, noConfig, StorageDrivers, type XenPlugin } from '@paravane/core'
import { fileDriver } from './file-driver.ts'

/** The schemes of storage that come with Paravane. Others' plugins contribute theirs under the same token. */
const plugin: XenPlugin = definePlugin({
  id: '@paravane/dev-blk/storage',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [StorageDrivers],
  host(scope) {
    scope.contribute(StorageDrivers, 'file', fileDriver())
  },
})

export default plugin
