/**
 * A hypervisor of its own with a guest that writes a journal to a disk: SIGUSR2 cuts the power of one of power-cut:, SIGTERM
 * destroys the guest. Arguments: kernel, ramdisk, the disk as
 * in `disk=`, and the last record that was durable (LastRecord). What the guest shows goes to stdout.
 */
import { readFile } from 'node:fs/promises'
import { compose } from '../../../apps/xend/src/compose.ts'
import { runArgument } from '../../../apps/xend/src/guest-image/init-script.ts'
import { ROOT } from '../root.ts'

const MEMORY_MIB = 256
const [kernel = '', ramdisk = '', disk = '', last = '-1'] = process.argv.slice(2)
const file = async (name: string) => ({ name, bytes: await readFile(name) })
const hypervisor = await compose({
  pcpus: 1,
  vcpus: 1,
  plugins: [`${ROOT}libs/dev-blk/test/power-cut/plugin.ts`],
  warn: (line) => process.stderr.write(`${line}\n`),
})
const guest = await hypervisor.createDomain({
  name: 'journal',
  kernel: await file(kernel),
  ramdisk: await file(ramdisk),
  memory: MEMORY_MIB,
  cmdline: `console=hvc0 quiet ${runArgument(`sh /bench/journal ${last}`)}`,
  devices: [{ type: 'vbd', config: disk }],
})
guest.console.onOutput((bytes) => void process.stdout.write(bytes))
guest.unpause()
process.once('SIGTERM', () => void guest.destroy())
await guest.ended
await hypervisor.stop()
