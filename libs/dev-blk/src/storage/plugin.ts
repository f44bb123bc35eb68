import { definePlugin, noConfig, StorageDrivers, type XenPlugin } from '@paravane/core'
import { fileDriver } from './file-driver.ts'
import { HostLocks } from './host-locks.ts'
import { NBD_SCHEMES } from './nbd/index.ts'
import { nbdDriver } from './nbd-driver.ts'
import { phyDriver } from './phy-driver.ts'

/** The schemes of storage that come with Paravane. Others' plugins contribute theirs under the same token. */
const plugin: XenPlugin = definePlugin({
  id: '@paravane/dev-blk/storage',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [StorageDrivers],
  host(scope) {
    const locks = new HostLocks()
    scope.contribute(StorageDrivers, 'file', fileDriver(locks))
    scope.contribute(StorageDrivers, 'phy', phyDriver(locks))
    for (const scheme of NBD_SCHEMES) scope.contribute(StorageDrivers, scheme, nbdDriver(scheme))
  },
})

export default plugin
