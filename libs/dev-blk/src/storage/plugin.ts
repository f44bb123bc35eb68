import { type ConfigSchema, configOf, definePlugin, StorageDrivers, text, type XenPlugin } from '@paravane/core'
import { fileDriver } from './file-driver.ts'
import { HostLocks } from './host-locks.ts'
import { HostPrograms } from './host-programs.ts'
import { NBD_SCHEMES } from './nbd/index.ts'
import { nbdDriver } from './nbd-driver.ts'
import { phyDriver } from './phy-driver.ts'
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
    const locks = new HostLocks()
    const programs = new HostPrograms(folder === '' ? undefined : folder)
    scope.contribute(StorageDrivers, 'file', fileDriver(locks))
    scope.contribute(StorageDrivers, 'phy', phyDriver(locks))
    for (const scheme of NBD_SCHEMES) scope.contribute(StorageDrivers, scheme, nbdDriver(scheme))
    for (const prefix of TAP_PREFIXES) {
      scope.contribute(StorageDrivers, `${prefix}aio`, fileDriver(locks))
      for (const [name, format] of Object.entries(TAP_FORMATS)) {
        const scheme = `${prefix}${name}`
        scope.contribute(StorageDrivers, scheme, tapDriver(scheme, format, programs))
      }
    }
  },
})

export default plugin
