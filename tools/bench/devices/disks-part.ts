import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { type GuestShape, guestRun } from '../machines.ts'
import { interleaved, type PartInit, type Result } from '../part.ts'
import { rivalsCommand } from '../rivals-command.ts'
import { type Devices, startOurs, startTheirs } from './device-guest.ts'
import { obtainDeviceGuest } from './device-ramdisk.ts'
import { FIO_COMMAND, FIO_JOBS, FIO_MIB, fioFiles } from './fio-jobs.ts'

const MEMORY_MIB = 1024
const SECONDS = 5
const CHUNK = Buffer.alloc(1 << 20, 'Paravane ')

/** fio in a guest on a raw file, which the host has in its page cache: our xen-blkfront and QEMU's virtio-blk. */
export async function disksPart(init: PartInit): Promise<Result> {
  const { workload, names, qemu, progress } = init
  const guest = await obtainDeviceGuest(workload, fioFiles(names, SECONDS), progress)
  const shape: GuestShape = { ...guest, memory: MEMORY_MIB }
  const image = await makeImage()
  const devices: Devices = {
    ours: [{ type: 'vbd', config: `file:${image},xvda,w` }],
    theirs: ['-drive', `file=${image},format=raw,if=none,id=disk`, '-device', 'virtio-blk-pci,drive=disk'],
  }
  const run = {
    paravane: () => guestRun((extra) => startOurs(shape, extra, devices, init.kept), FIO_COMMAND, 'paravane'),
    tcg: () => guestRun((extra) => startTheirs(qemu, shape, extra, devices), FIO_COMMAND, 'tcg'),
  }
  const jobs = FIO_JOBS.filter(({ name }) => names.includes(name))
  const load = [
    ...jobs.map(
      ({ name, rw, blockSize, depth, figure }) =>
        [name, `fio ${rw} bs=${blockSize} iodepth=${depth}: ${figure} of a request`] as const,
    ),
    ['disks in the rival', `${rivalsCommand(qemu, shape)} ${devices.theirs.join(' ')}`] as const,
  ]
  return { rows: await interleaved('disks', run, init), load }
}

/** All of it is written, so that neither meets holes. */
async function makeImage(): Promise<string> {
  const folder = join(cacheFolder(), 'bench')
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'disk.img')
  const file = await open(path, 'w')
  try {
    for (let chunk = 0; chunk < FIO_MIB; chunk++) await file.write(CHUNK, 0, CHUNK.length, chunk * CHUNK.length)
  } finally {
    await file.close()
  }
  return path
}
