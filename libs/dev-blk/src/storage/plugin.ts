import { definePlugin, noConfig, StorageDrivers, type XenPlugin } from '@paravane/core'
import { fileDriver } from './file-driver.ts'
import { NBD_SCHEMES } from './nbd/index.ts'
import { nbdDriver } from './nbd-driver.ts'

/** The schemes of storage that come with Paravane. Others' plugins contribute theirs under the same token. */
const plugin: XenPlugin = definePlugin({
  id: '@paravane/dev-blk/storage',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [StorageDrivers],
  host(scope) {
    scope.contribute(StorageDrivers, 'file', fileDriver())
    for (const scheme of NBD_SCHEMES) scope.contribute(StorageDrivers, scheme, nbdDriver(scheme))
  },
})

export default plugin
