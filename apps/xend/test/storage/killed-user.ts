/** Opens a qcow2 image, writes to it and waits to be killed. */
import { HostPrograms } from '@paravane/core'
import { tapDriver } from '@paravane/dev-blk'

const [target = '', folder] = process.argv.slice(2)
const disk = await tapDriver('tap:qcow2', 'qcow2', new HostPrograms(folder)).open({ target, readonly: false })
await disk.write(0, [Buffer.alloc(4096, 0x5a)])
await disk.flush()
process.stdout.write('written\n')
setInterval(() => {}, 1000)
