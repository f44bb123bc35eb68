/** A guest with devices on this process's terminal; the process ends with it. Argument: a {@link DeviceGuest} as JSON. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compose } from '../../../apps/xend/src/compose.ts'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import type { DeviceGuest } from './device-guest.ts'

const { kernel, ramdisk, memory, cmdline, cpu, devices, kept, neighbour } = JSON.parse(
  process.argv[2] ?? '{}',
) as DeviceGuest
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const keep = kept ? join(cacheFolder(), 'regions') : undefined
const hypervisor = await compose({ pcpus: neighbour === undefined ? 1 : 2, vcpus: 1, cpu, keep, warn: say })
const files = {
  kernel: { bytes: await readFile(kernel), name: kernel },
  ramdisk: { bytes: await readFile(ramdisk), name: ramdisk },
}
if (neighbour !== undefined) {
  const beside = await hypervisor.createDomain({ name: 'neighbour', ...files, memory, cmdline: neighbour, devices })
  beside.unpause()
}
const guest = await hypervisor.createDomain({ name: 'bench', ...files, memory, cmdline, devices })
guest.console.onOutput((bytes) => void process.stdout.write(bytes))
guest.unpause()
await guest.ended
await hypervisor.stop()
