/**
 * A hypervisor of its own with a guest that has all the disks named, and has fio write each and read it back. Arguments: kernel,
 * ramdisk, and each disk as in `disk=`. Writes one line of JSON for each: its storage, and what the guest said of it.
 */
import { readFile } from 'node:fs/promises'
import { compose } from '../../../apps/xend/src/compose.ts'
import { runArgument } from '../../../apps/xend/src/guest-image/init-script.ts'

/** What became of one disk. */
export interface VerifiedDisk {
  readonly disk: string
  /** fio's exit status; undefined if the guest did not get so far. */
  readonly status: number | undefined
  readonly warnings: readonly string[]
}

const MEMORY_MIB = 1024
const [kernel = '', ramdisk = '', ...disks] = process.argv.slice(2)
const warnings: string[] = []
const hypervisor = await compose({ pcpus: 1, vcpus: 1, warn: (line) => warnings.push(line) })
const file = async (name: string) => ({ name, bytes: await readFile(name) })
const guest = await hypervisor.createDomain({
  name: 'verify',
  kernel: await file(kernel),
  ramdisk: await file(ramdisk),
  memory: MEMORY_MIB,
  cmdline: `console=hvc0 quiet ${runArgument('sh /bench/verify')}`,
  devices: disks.map((config) => ({ type: 'vbd', config })),
})
let shown = ''
guest.console.onOutput((bytes) => {
  shown += Buffer.from(bytes).toString('latin1')
  process.stderr.write(bytes)
})
guest.unpause()
await guest.ended
await hypervisor.stop()
for (const disk of disks) {
  const device = /vdev=(\w+)/.exec(disk)?.[1]
  const status = new RegExp(`^@verify ${device} (\\d+)`, 'm').exec(shown)?.[1]
  const told: VerifiedDisk = { disk, status: status === undefined ? undefined : Number(status), warnings }
  process.stdout.write(`${JSON.stringify(told)}\n`)
}
