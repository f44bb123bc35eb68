/** Opens a disk of `tap:qcow2:` or `iscsi:`, and writes to it until it is killed. */
import { HostPrograms } from '@paravane/core'
import { iscsiDriver, tapDriver } from '@paravane/dev-blk'

const [storage = '', folder] = process.argv.slice(2)
const programs = new HostPrograms(folder)
const [, scheme, target = ''] = /^(tap:qcow2|iscsi):(.*)$/.exec(storage) ?? []
const driver = scheme === 'iscsi' ? iscsiDriver(programs) : tapDriver('tap:qcow2', 'qcow2', programs)
const disk = await driver.open({ target, readonly: false })
await disk.write(0, [Buffer.alloc(4096, 0x5a)])
await disk.flush()
process.stdout.write('written\n')
for (;;) await disk.write(8192, [Buffer.alloc(4096, 0x5a)])
