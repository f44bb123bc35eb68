import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { compileWorkload } from '../../bench/compile-workload.ts'
import { obtainDeviceGuest } from '../../bench/devices/device-ramdisk.ts'
import { runMachine } from '../machine/run-machine.ts'
import type { VerifiedDisk } from '../machine/verify-disks.ts'
import type { How, Outcome } from '../point.ts'
import { STORAGES, withDisks } from './storages.ts'

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
  const script: CpioEntry = { type: 'file', path: 'bench/verify', data: Buffer.from(SCRIPT) }
  const { path } = await compileWorkload(progress)
  const { kernel, ramdisk } = await obtainDeviceGuest(path, [script], progress)
  const results = await withDisks(STORAGES, DISK_MIB << 20, (storages) => {
    // A disk's own text may have commas.
    const disks = storages.map((storage, at) => `vdev=xvd${LETTERS[at]},access=w,target=${storage}`)
    return runMachine<VerifiedDisk>('verify-disks.ts', [kernel, ramdisk, ...disks], progress)
  })
  const faults = results
    .filter(({ status }) => status !== 0)
    .map(
      ({ disk, status }) =>
        `${disk}: ${status === undefined ? 'the guest did not come so far' : `fio ended with ${status}`}`,
    )
  faults.push(...(results[0]?.warnings ?? []))
  const good = results.filter(({ status }) => status === 0).length
  return {
    pass: faults.length === 0 && good === STORAGES.length,
    value: `fio wrote ${DISK_MIB} MiB and found them again on ${good} of ${STORAGES.length}: ${STORAGES.map(({ name }) => name).join(', ')}`,
    faults,
  }
}
