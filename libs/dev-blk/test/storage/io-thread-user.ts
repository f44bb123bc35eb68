/** A process that has nothing to do but to use a thread for disks, and to stop it. Argument: a file. */
import { openSync } from 'node:fs'
import { IoThread } from '../../src/storage/io-thread.ts'

const thread = new IoThread()
await thread.transfer('read', openSync(process.argv[2] ?? '', 'r'), 0, [new Uint8Array(new SharedArrayBuffer(512))])
await thread.stop()
process.stdout.write('stopped')
