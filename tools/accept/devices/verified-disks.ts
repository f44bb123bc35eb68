import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { compileWorkload } from '../../bench/compile-workload.ts'
import { obtainDeviceGuest } from '../../bench/devices/device-ramdisk.ts'
import { runMachine } from '../machine/run-machine.ts'
import type { VerifiedDisk } from '../machine/verify-disks.ts'
import type { How, Outcome } from '../point.ts'
import { type MadeDisk, STORAGES, StoragePlace } from './storages.ts'

const DISK_MIB = 128
const LETTERS = 'abcdefghijklmnop'

/** All sizes of requests, in any order, each written once and then read back with its checksum looked at. */
const SCRIPT = `for disk in /dev/xvd?; do
  fio --name=verify --filename=$disk --size=${DISK_MIB}m --direct=1 --ioengine=libaio --iodepth=16 \\
    --rw=randwrite --bsrange=512-192k --bs_unaligned=0 --blockalign=512 --verify=crc32c --verify_fatal=1 --end_fsync=1 --do_verify=1 \\
    --output-format=terse >/tmp/out 2>&1
  status=$?
  [ $status = 0 ] || cat /tmp/out
  echo "@verify \${disk#/dev/} $status"
done
`

/** fio writes a disk of every storage from end to end, and finds all of it again. */
export async function verifiedDisks({ progress }: How): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'paravane-disks-'))
  const made: MadeDisk[] = []
  try {
    const place = await StoragePlace.at(folder, DISK_MIB << 20, ['qemu-storage-daemon', 'lvm', 'tgtd'], progress)
    for (const storage of STORAGES) made.push(await storage.make(place))
    const script: CpioEntry = { type: 'file', path: 'bench/verify', data: Buffer.from(SCRIPT) }
    const { path } = await compileWorkload(progress)
    const { kernel, ramdisk } = await obtainDeviceGuest(path, [script], progress)
    const disks = made.map(({ storage }, at) => `${storage},xvd${LETTERS[at]},w`)
    const results = await runMachine<VerifiedDisk>('verify-disks.ts', [kernel, ramdisk, ...disks], progress)
    const faults = results
      .filter(({ status }) => status !== 0)
      .map(
        ({ disk, status }) =>
          `${disk}: ${status === undefined ? 'the guest did not come so far' : `fio ended with ${status}`}`,
      )
    faults.push(...(results[0]?.warnings ?? []))
    return {
      pass: faults.length === 0 && results.length === STORAGES.length,
      value: `fio wrote ${DISK_MIB} MiB and found them again on ${results.length - faults.length} of ${STORAGES.length}: ${STORAGES.map(({ name }) => name).join(', ')}`,
      faults,
    }
  } finally {
    for (const { end } of made) await end?.()
    await rm(folder, { recursive: true, force: true })
  }
}
