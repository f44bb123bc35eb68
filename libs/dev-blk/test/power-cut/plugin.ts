/**
 * `power-cut:SEED:UNIT:STORAGE` between a disk and its user: SIGUSR2 cuts the power of all such disks and ends the process, as a power
 * cut ends a machine. For `plugins=` of a hypervisor that is tested.
 */
import { CodedError, definePlugin, noConfig, StorageDrivers, type XenPlugin } from '@paravane/core'
import { findDriver } from '../../src/storage/find-driver.ts'
import { PowerCutDisk } from './power-cut-disk.ts'

const plugin: XenPlugin = definePlugin({
  id: 'power-cut',
  apiVersion: 1,
  config: noConfig,
  requires: [StorageDrivers],
  provides: [StorageDrivers],
  host(scope) {
    const drivers = scope.all(StorageDrivers)
    const disks = new Set<PowerCutDisk>()
    const cut = async (): Promise<void> => {
      await Promise.all([...disks].map((disk) => disk.cut()))
      process.kill(process.pid, 'SIGKILL')
    }
    process.on('SIGUSR2', cut)
    scope.onStop(() => void process.off('SIGUSR2', cut))
    scope.contribute(StorageDrivers, 'power-cut', {
      async open(request) {
        const [, seed, unit, storage = ''] = /^([0-9]+):(512|4096):(.+)$/.exec(request.target) ?? []
        if (seed === undefined) {
          throw new CodedError({ code: 'DISK_OPEN' }, `power-cut:${request.target}: write power-cut:SEED:512:STORAGE`)
        }
        const { driver, target } = findDriver(drivers, storage)
        const below = await driver.open({ ...request, target })
        const disk = new PowerCutDisk(below, { seed: Number(seed), unit: unit === '512' ? 512 : 4096 })
        disks.add(disk)
        return disk
      },
    })
  },
})

export default plugin
