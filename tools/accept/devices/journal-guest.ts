import { fileURLToPath } from 'node:url'
import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { MALLOC, YOUNG } from '../../../apps/xend/src/host-memory.ts'
import { WORKLOAD } from '../../bench/bench-image.ts'
import { compileWorkload } from '../../bench/compile-workload.ts'
import { obtainExt4Guest } from '../../bench/devices/ext4-ramdisk.ts'
import { ConsoleProcess } from '../console-process.ts'
import { HANG_MS } from '../debian-boot.ts'

const MACHINE = fileURLToPath(new URL('../machine/journal.ts', import.meta.url))
/** What is before it is about the guest before. */
const BEGUN = '@begun'

/** What was durable before is looked for, then the file system as a whole, and then a journal is begun anew. */
const script = (begun: string): string => `export LD_LIBRARY_PATH=/lib
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
${begun}
`
/** A line of shell that keeps a journal until it cannot. */
export const KEEP_JOURNAL = `${WORKLOAD} --journal /mnt/journal`

/** Kernel and ramdisk of a guest that keeps a journal on a disk. */
export interface JournalFiles {
  readonly kernel: string
  readonly ramdisk: string
}

/** @param begun lines of shell: what it does when it has looked for what was before, on $disk, which is mounted on /mnt */
export async function obtainJournalFiles(
  progress: (line: string) => void,
  begun: string = KEEP_JOURNAL,
): Promise<JournalFiles> {
  const entry: CpioEntry = { type: 'file', path: 'bench/journal', data: Buffer.from(script(begun)) }
  const { path } = await compileWorkload(progress)
  return obtainExt4Guest(path, [entry], progress)
}

/** What is known of a journal: the last record of which the guest was told that it is durable, -1 for none, `new` for no file system. */
export type LastRecord = string

/** The records that a guest was told are durable, by what it has shown. */
export function acknowledged(shown: string): number[] {
  return [...shown.matchAll(/^@ack (\d+)\r?$/gm)].map(([, record]) => Number(record))
}

/** Guests one after the other on one disk, each of which is ended at some moment while it writes. */
export class Journal {
  readonly #files: JournalFiles
  #last: LastRecord = 'new'
  #records = 0

  constructor(files: JournalFiles) {
    this.#files = files
  }

  /** All that were durable. */
  get records(): number {
    return this.#records
  }

  /**
   * Boots a guest that looks for what was durable before and begins a new journal, and has it ended.
   * @param disk as in `disk=`
   * @param ends ends the process, or has it end
   * @returns what was found of the one before: faults, none if all was there
   */
  async guest(disk: string, ends: (machine: ConsoleProcess) => Promise<void>): Promise<readonly string[]> {
    const { kernel, ramdisk } = this.#files
    const args = [...YOUNG, '--conditions=@paravane/source', MACHINE, kernel, ramdisk, disk, this.#last]
    const machine = new ConsoleProcess(process.execPath, args, { ...process.env, ...MALLOC })
    try {
      await machine.shows(BEGUN, HANG_MS)
      await ends(machine)
      const { stdout } = await machine.ends(HANG_MS)
      return this.#judge(stdout)
    } finally {
      await machine.kill()
    }
  }

  /** After {@link BEGUN} the disk may fail as its power goes, which the guest may see. */
  #judge(shown: string): string[] {
    const [before = ''] = shown.split(BEGUN, 1)
    const said = [...before.matchAll(/^@(?:fault|lost) .*$/gm)].map(([line]) => line.trim())
    const looked = this.#last === 'new' || this.#last === '-1' || /^@intact [1-9]/m.test(before)
    const acks = acknowledged(shown)
    this.#last = String(acks.at(-1) ?? -1)
    this.#records += acks.length
    return looked || said.length > 0 ? said : ['nobody looked for the records']
  }
}
