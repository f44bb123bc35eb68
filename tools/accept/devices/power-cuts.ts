import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { MALLOC, YOUNG } from '../../../apps/xend/src/host-memory.ts'
import { WORKLOAD } from '../../bench/bench-image.ts'
import { compileWorkload } from '../../bench/compile-workload.ts'
import { obtainExt4Guest } from '../../bench/devices/ext4-ramdisk.ts'
import { ConsoleProcess } from '../console-process.ts'
import { HANG_MS } from '../debian-boot.ts'
import type { How, Outcome } from '../point.ts'
import { STORAGES, type Storage, StoragePlace } from './storages.ts'

const DISK_MIB = 64
const CUTS = { full: 50, short: 2 } as const
/** Until the power goes, after the first record that is durable, ms. */
const LONGEST_MS = 3_000
/** What is before it is about the cut before. */
const BEGUN = '@begun'
const MACHINE = fileURLToPath(new URL('../machine/power-cut.ts', import.meta.url))

/** What was durable before the cut is looked for, then the file system as a whole, and then a journal is begun anew. */
const SCRIPT = `export LD_LIBRARY_PATH=/lib
last=$1
disk=/dev/xvda
fault() { echo "@fault $*"; exit 1; }
if [ "$last" = new ]; then /sbin/mke2fs -q -F -t ext4 $disk || fault mkfs
else
  mount -t ext4 $disk /mnt || fault "it does not mount"
  [ "$last" -lt 0 ] || ${WORKLOAD} --check-journal /mnt/journal $last
  umount /mnt
  /sbin/e2fsck -f -n $disk >/tmp/fsck 2>&1 || { cat /tmp/fsck; fault "e2fsck finds damage"; }
fi
mount -t ext4 $disk /mnt || fault mount
rm -rf /mnt/journal; mkdir /mnt/journal; sync
echo "${BEGUN}"
${WORKLOAD} --journal /mnt/journal
`

interface Cut {
  readonly storage: string
  readonly faults: readonly string[]
  readonly records: number
}

/** ext4 on each storage comes back after the power was cut, with every record that a guest was told is durable. */
export async function powerCuts({ short, progress }: How): Promise<Outcome> {
  const cuts = short ? CUTS.short : CUTS.full
  const script: CpioEntry = { type: 'file', path: 'bench/journal', data: Buffer.from(SCRIPT) }
  const { path } = await compileWorkload(progress)
  const guest = await obtainExt4Guest(path, [script], progress)
  const results: Cut[] = []
  for (const storage of STORAGES) {
    progress(`power cuts of ${storage.name} ...`)
    results.push(await cutStorage(storage, cuts, guest, progress))
  }
  const faults = results.flatMap((result) => result.faults.map((fault) => `${result.storage}: ${fault}`))
  const records = results.map(({ storage, records }) => `${storage} ${records}`).join(', ')
  return {
    pass: faults.length === 0,
    value: `${cuts} cuts of each, none of the durable records lost (${records})${short ? ' (short form)' : ''}`,
    faults,
  }
}

async function cutStorage(
  storage: Storage,
  cuts: number,
  { kernel, ramdisk }: { readonly kernel: string; readonly ramdisk: string },
  progress: How['progress'],
): Promise<Cut> {
  const folder = await mkdtemp(join(tmpdir(), 'paravane-cuts-'))
  const place = await StoragePlace.at(folder, DISK_MIB << 20, ['qemu-storage-daemon', 'lvm', 'tgtd'], progress)
  const made = await storage.make(place)
  const faults: string[] = []
  let last = 'new'
  let records = 0
  try {
    for (let cut = 0; cut <= cuts && faults.length === 0; cut++) {
      const seed = (Date.now() % 1_000_000) + cut
      const disk = `power-cut:${seed}:${cut % 2 === 0 ? 512 : 4096}:${made.storage},xvda,w`
      const shown = await oneCut([kernel, ramdisk, disk, last], cut === cuts)
      faults.push(...faultsOf(shown, last).map((fault) => `${fault} (seed ${seed}, cut ${cut})`))
      const acks = [...shown.matchAll(/^@ack (\d+)\r?$/gm)]
      last = acks.at(-1)?.[1] ?? '-1'
      records += acks.length
    }
  } catch (error) {
    faults.push((error as Error).message)
  } finally {
    await made.end?.()
    await rm(folder, { recursive: true, force: true })
  }
  return { storage: storage.name, faults, records }
}

/** What the guest showed until its power was cut. The last boot only looks. */
async function oneCut(args: readonly string[], isLast: boolean): Promise<string> {
  const machine = new ConsoleProcess(process.execPath, [...YOUNG, '--conditions=@paravane/source', MACHINE, ...args], {
    ...process.env,
    ...MALLOC,
  })
  try {
    await machine.shows(BEGUN, HANG_MS)
    if (!isLast) {
      await machine.shows('@ack', HANG_MS)
      await sleep(Math.random() * LONGEST_MS)
    }
    process.kill(machine.pid, 'SIGUSR2')
    return (await machine.ends(HANG_MS)).stdout
  } finally {
    await machine.kill()
  }
}

/** What was found of the cut before. Afterwards the disk fails as its power goes, which the guest may see. */
function faultsOf(shown: string, last: string): string[] {
  const [before = ''] = shown.split(BEGUN, 1)
  const said = [...before.matchAll(/^@(?:fault|lost) .*$/gm)].map(([line]) => line.trim())
  const looked = Number(last) < 0 || last === 'new' || /^@intact [1-9]/m.test(before)
  return looked || said.length > 0 ? said : ['nobody looked for the records']
}
