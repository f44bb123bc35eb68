import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'
import { WORKLOAD } from '../../bench/bench-image.ts'
import { compileWorkload } from '../../bench/compile-workload.ts'
import { obtainExt4Guest } from '../../bench/devices/ext4-ramdisk.ts'

/**
 * A page's, as on all but small disks. With smaller ones ext4 itself leaves what e2fsck takes for damage when a machine ends while a file grows: it may
 * commit an extent that ends within a page with the file's size at that page's begin (Linux 6.1, mpage_map_and_submit_extent).
 */
const BLOCK_BYTES = 4096

/**
 * Its arguments are the number of this run and a word for each disk (Known). On all at once: what was durable before is looked for,
 * then the file system as a whole; if all is there a journal is begun on it, otherwise on a new file system.
 *   @fault DISK WHY    what was before is not as it has to be; what e2fsck says of it follows in lines with @e2fsck DISK
 *   @looked DISK       what was before has been looked at
 *   @anew DISK         it gets a new file system
 * Further lines: tools/bench/workload/journal.c
 */
const script = (begun: string): string => `export LD_LIBRARY_PATH=/lib
run=$1
shift
fault() { echo "@fault $name $*"; return 1; }
look() {
  mount -t ext4 $disk $folder || fault "it does not mount" || return
  whole=0
  [ -z "$last" ] || ${WORKLOAD} --check-journal $folder/journal $name $before $last || whole=1
  umount $folder
  /sbin/e2fsck -f -n $disk >/tmp/$name 2>&1 || {
    fault "e2fsck finds damage"
    sed "s/^/@e2fsck $name /" /tmp/$name
    return 1
  }
  return $whole
}
begin() {
  if [ $before != new ] && look; then echo "@looked $name"
  else
    echo "@anew $name"
    /sbin/mke2fs -q -F -t ext4 -b ${BLOCK_BYTES} $disk || { echo "@stopped $name mke2fs"; return; }
  fi
  mount -t ext4 $disk $folder || { echo "@stopped $name mount"; return; }
  rm -rf $folder/journal
  mkdir $folder/journal
}
keep() {
  ${begun}
}
of_each() {
  act=$1
  shift
  for known in "$@"; do
    name=\${known%%=*} before=\${known#*=} last=
    case $before in *:*) last=\${before#*:} before=\${before%:*} ;; esac
    disk=/dev/$name folder=/mnt/$name
    mkdir -p $folder
    $act &
  done
  wait
}
of_each begin "$@"
sync
of_each keep "$@"
`
/** A line of shell that keeps a journal until it cannot. */
export const KEEP_JOURNAL = `${WORKLOAD} --journal $folder/journal $name $run`

/** Kernel and ramdisk of a guest that keeps journals. */
export interface JournalFiles {
  readonly kernel: string
  readonly ramdisk: string
}

/** @param begun lines of shell: what it does for each disk when it has looked for what was before, on $disk, which is mounted on $folder */
export async function obtainJournalFiles(
  progress: (line: string) => void,
  begun: string = KEEP_JOURNAL,
): Promise<JournalFiles> {
  const entry: CpioEntry = { type: 'file', path: 'bench/journal', data: Buffer.from(script(begun)) }
  const { path } = await compileWorkload(progress)
  return obtainExt4Guest(path, [entry], progress)
}

/** @param known of each disk */
export const journalLine = (run: number, known: readonly string[]): string =>
  `exec sh /bench/journal ${run} ${known.join(' ')}`
