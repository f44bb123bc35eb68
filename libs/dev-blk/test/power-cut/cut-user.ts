/** Uses a disk through the plugins, and goes on writing until its power is cut. */
import { HostScope, loadPlugins, StorageDrivers } from '@paravane/core'
import { findDriver } from '../../src/storage/find-driver.ts'

const scope = new HostScope()
await loadPlugins(['../../src/storage/plugin.ts', './plugin.ts'], {
  scope,
  base: new URL('./', import.meta.url),
  resolve: (specifier) => import.meta.resolve(specifier),
})
const { driver, target } = findDriver(scope.all(StorageDrivers), process.argv[2] ?? '')
const disk = await driver.open({ target, readonly: false })
await disk.write(0, [new Uint8Array(1024).fill(1)])
await disk.flush()
for (let sector = 2; sector < 4096; sector++) await disk.write(sector * 512, [new Uint8Array(512).fill(2)])
process.stdout.write('written\n')
setInterval(() => {}, 1000)
