/**
 * A hypervisor of its own with a guest that keeps a journal on each of its disks: SIGUSR2 cuts the power of those of power-cut:,
 * SIGTERM destroys the guest. Arguments: kernel, ramdisk, the line for sh that the guest runs, and each disk as in `disk=`. What the
 * guest shows goes to stdout.
 */
import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compose } from '../../../apps/xend/src/compose.ts'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { runArgument } from '../../../apps/xend/src/guest-image/init-script.ts'
import { ROOT } from '../root.ts'

const MEMORY_MIB = 384
const [kernel = '', ramdisk = '', line = '', ...disks] = process.argv.slice(2)
const file = async (name: string) => ({ name, bytes: await readFile(name) })
const keep = join(cacheFolder(), 'regions')
mkdirSync(keep, { recursive: true, mode: 0o700 })
let hasPower = true
// Before its disks hear of it: what a guest says of a flush that was answered afterwards, or that Linux takes for done, nobody would hear.
process.once('SIGUSR2', () => {
  hasPower = false
})
const hypervisor = await compose({
  pcpus: 1,
  vcpus: 1,
  keep,
  plugins: [`${ROOT}libs/dev-blk/test/power-cut/plugin.ts`],
  warn: (text) => process.stderr.write(`${text}\n`),
})
const guest = await hypervisor.createDomain({
  name: 'journal',
  kernel: await file(kernel),
  ramdisk: await file(ramdisk),
  memory: MEMORY_MIB,
  cmdline: `console=hvc0 quiet ${runArgument(line)}`,
  devices: disks.map((config) => ({ type: 'vbd', config })),
})
guest.console.onOutput((bytes) => {
  if (hasPower) process.stdout.write(bytes)
})
guest.unpause()
process.once('SIGTERM', () => void guest.destroy())
await guest.ended
await hypervisor.stop()
