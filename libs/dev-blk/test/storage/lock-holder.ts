/** A process that holds a disk, or says who stands in its way, and waits to be ended. */
import { HostLocks } from '../../src/storage/host-locks.ts'

const [, , identity = '', exclusive = ''] = process.argv
const lock = await new HostLocks().hold(identity, exclusive === 'true')
process.send?.(typeof lock === 'number' ? lock : 'held')
setInterval(() => {}, 1000)
