/** A plugin whose devices do nothing, and cannot be changed; `refused` is what it does not make. */
import { CodedError } from '../../src/errors.ts'
import { BackendDrivers } from '../../src/plugin/backend-driver.ts'
import { noConfig } from '../../src/plugin/config-schema.ts'
import { definePlugin, type XenPlugin } from '../../src/plugin/xen-plugin.ts'

const plugin: XenPlugin = definePlugin({
  id: 'idle-devices',
  apiVersion: 1,
  config: noConfig,
  requires: [],
  provides: [BackendDrivers],
  host(scope) {
    scope.contribute(BackendDrivers, 'idle', {
      async open(config, { taken }) {
        if (config === 'refused') throw new CodedError({ code: 'IDLE_REFUSED' }, 'this one is refused; ask for another')
        const close = async () => {}
        const backend = { connect: () => ({}), disconnect: close, close, facts: () => ({ asked: String(config) }) }
        return { devid: taken.size, frontNodes: { a: 1 }, backNodes: { b: 2 }, start: () => backend, close }
      },
    })
  },
})

export default plugin
