import {
  BackendDrivers,
  type ConfigSchema,
  configOf,
  definePlugin,
  StorageDrivers,
  type XenPlugin,
  yesNo,
} from '@paravane/core'
import { DiskOwners } from './blkback/disk-owners.ts'
import { Media } from './blkback/media.ts'
import { VbdDriver } from './blkback/vbd-driver.ts'

/** What may be chosen of virtual block devices. */
export interface VbdConfig {
  /**
   * Whether front ends may leave grants mapped, and copy to and from these pages. It spares a hypervisor of page tables the unmapping; here, where a
   * grant is used without any, the copies cost more.
   */
  readonly persistentGrants: boolean
}

const config: ConfigSchema<VbdConfig> = configOf({ persistentGrants: yesNo({ initial: false }) })

/** Virtual block devices, over whatever schemes of storage there are. */
const plugin: XenPlugin<VbdConfig> = definePlugin({
  id: '@paravane/dev-blk',
  apiVersion: 1,
  config,
  requires: [StorageDrivers],
  provides: [BackendDrivers],
  host(scope, { persistentGrants }) {
    const media = new Media(scope.all(StorageDrivers), new DiskOwners())
    scope.contribute(BackendDrivers, 'vbd', new VbdDriver(media, persistentGrants))
  },
})

export default plugin
