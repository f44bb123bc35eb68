import { BackendDrivers, definePlugin, noConfig, StorageDrivers, type XenPlugin } from '@paravane/core'
import { DiskOwners } from './blkback/disk-owners.ts'
import { Media } from './blkback/media.ts'
import { VbdDriver } from './blkback/vbd-driver.ts'

/** Virtual block devices, over whatever schemes of storage there are. */
const plugin: XenPlugin = definePlugin({
  id: '@paravane/dev-blk',
  apiVersion: 1,
  config: noConfig,
  requires: [StorageDrivers],
  provides: [BackendDrivers],
  host(scope) {
    scope.contribute(BackendDrivers, 'vbd', new VbdDriver(new Media(scope.all(StorageDrivers), new DiskOwners())))
  },
})

export default plugin
