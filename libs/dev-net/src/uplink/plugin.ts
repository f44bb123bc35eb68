import {
  type ConfigSchema,
  configOf,
  definePlugin,
  type FindProgram,
  installedProgram,
  type XenPlugin,
} from '@paravane/core'
import { natUplink } from './nat.ts'
import { NetworkUplinks } from './network-uplink.ts'
import { noUplink } from './none.ts'
import { routedUplink } from './routed.ts'
import { tapUplink } from './tap.ts'

interface UplinksConfig {
  /** Finds programs of the host that do what is not done here; by default those in PATH. */
  readonly find: FindProgram
}

const config: ConfigSchema<UplinksConfig> = configOf({
  find: {
    initial: installedProgram,
    expected: 'a function',
    accepts: (value): value is FindProgram => typeof value === 'function',
  },
})

/** The uplinks that come with Paravane. Others' plugins contribute theirs under the same token. */
const plugin: XenPlugin<UplinksConfig> = definePlugin({
  id: '@paravane/dev-net/uplinks',
  apiVersion: 1,
  config,
  requires: [],
  provides: [NetworkUplinks],
  host(scope, { find }) {
    scope.contribute(NetworkUplinks, 'none', noUplink)
    scope.contribute(NetworkUplinks, 'nat', natUplink(find))
    scope.contribute(NetworkUplinks, 'tap', tapUplink(find))
    scope.contribute(NetworkUplinks, 'routed', routedUplink(find))
  },
})

export default plugin
