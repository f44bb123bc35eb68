import {
  type ConfigSchema,
  configOf,
  definePlugin,
  HostPrograms,
  type StorageDriver,
  StorageDrivers,
  text,
  type XenPlugin,
} from '@paravane/core'
import { fileDriver } from './file-driver.ts'
import { HostLocks } from './host-locks.ts'
import { IoThread } from './io-thread.ts'
import { iscsiDriver } from './iscsi-driver.ts'
import { Lvm } from './lvm/lvm.ts'
import { lvmDriver } from './lvm-driver.ts'
import { NBD_SCHEMES } from './nbd/index.ts'
import { nbdDriver } from './nbd-driver.ts'
import { overlayDriver } from './overlay-driver.ts'
import { phyDriver } from './phy-driver.ts'
import type { RawHost } from './raw-open.ts'
import { TAP_FORMATS, TAP_PREFIXES, tapDriver } from './tap-driver.ts'

interface StorageConfig {
  /** Folder of programs that this host may lack ({@link HostPrograms}); empty for none. */
  readonly programs: string
}

const config: ConfigSchema<StorageConfig> = configOf({ programs: text({ initial: '' }) })

/** The schemes of storage that come with Paravane. Others' plugins contribute theirs under the same token. */
const plugin: XenPlugin<StorageConfig> = definePlugin({
  id: '@paravane/dev-blk/storage',
  apiVersion: 1,
  config,
  requires: [],
  provides: [StorageDrivers],
  host(scope, { programs: folder }) {
    const io = new IoThread()
    const host = { locks: new HostLocks(), io }
    const drivers = shippedDrivers(host, new HostPrograms(folder === '' ? undefined : folder))
    for (const [scheme, driver] of drivers) scope.contribute(StorageDrivers, scheme, driver)
    scope.onStop(() => io.stop())
  },
})

/** By their schemes. */
export function shippedDrivers(host: RawHost, programs: HostPrograms): Map<string, StorageDriver> {
  const drivers = new Map([
    ['file', fileDriver(host)],
    ['phy', phyDriver(host)],
  ])
  for (const scheme of NBD_SCHEMES) drivers.set(scheme, nbdDriver(scheme))
  for (const prefix of TAP_PREFIXES) {
    drivers.set(`${prefix}aio`, fileDriver(host))
    for (const [name, format] of Object.entries(TAP_FORMATS)) {
      drivers.set(`${prefix}${name}`, tapDriver(`${prefix}${name}`, format, programs))
    }
  }
  drivers.set('iscsi', iscsiDriver(programs))
  drivers.set('lvm', lvmDriver(new Lvm(programs), host))
  drivers.set('overlay', overlayDriver(drivers, host))
  return drivers
}

export default plugin
