import type { CpioEntry } from '../../../apps/xend/src/guest-image/cpio-newc.ts'

/** What is done to a disk. */
export interface FioJob {
  readonly name: string
  readonly rw: 'read' | 'write' | 'randread' | 'randwrite'
  readonly blockSize: string
  readonly depth: number
  /** What a figure of it is: time for each request in the long run, or of one from its start to its end. */
  readonly figure: 'throughput' | 'latency'
}

export const FIO_JOBS: readonly FioJob[] = [
  { name: 'disk-read', rw: 'read', blockSize: '128k', depth: 8, figure: 'throughput' },
  { name: 'disk-write', rw: 'write', blockSize: '128k', depth: 8, figure: 'throughput' },
  { name: 'disk-random-read', rw: 'randread', blockSize: '4k', depth: 16, figure: 'throughput' },
  { name: 'disk-random-write', rw: 'randwrite', blockSize: '4k', depth: 16, figure: 'throughput' },
  { name: 'disk-read-latency', rw: 'randread', blockSize: '4k', depth: 1, figure: 'latency' },
  { name: 'disk-write-latency', rw: 'randwrite', blockSize: '4k', depth: 1, figure: 'latency' },
]

/** Of the disk, from its start; the host has it in its page cache. */
export const FIO_MIB = 512
const JOB_FILE = 'bench/fio.job'

/** Where the script of a part is in the guest: it is longer than a kernel's command line. */
const SCRIPT_FILE = 'bench/disks'
export const FIO_COMMAND = `sh /${SCRIPT_FILE}`

/** The jobs one after the other, each for so many seconds after one to warm up. */
export function fioFiles(names: readonly string[], seconds: number): CpioEntry[] {
  const common = `[global]\nioengine=libaio\ndirect=1\nfilename=\${DISK}\nsize=${FIO_MIB}m\ntime_based\nruntime=${seconds}\nramp_time=1\nstonewall\n`
  const jobs = FIO_JOBS.filter(({ name }) => names.includes(name)).map(
    ({ name, rw, blockSize, depth }) => `[${name}]\nrw=${rw}\nbs=${blockSize}\niodepth=${depth}\n`,
  )
  return [
    { type: 'file', path: JOB_FILE, data: Buffer.from(common + jobs.join('')) },
    { type: 'file', path: SCRIPT_FILE, data: Buffer.from(fioScript(names)) },
  ]
}

/** Terse output of version 3 (fio(1)): fields of reads begin at 6, those of writes at 47. */
function fioScript(names: readonly string[]): string {
  const lines = FIO_JOBS.filter(({ name }) => names.includes(name)).map(({ name, rw, figure }) => {
    const first = rw === 'read' || rw === 'randread' ? 6 : 47
    const ns = figure === 'latency' ? `$${first + 34} * 1000` : `1e9 / $${first + 2}`
    return `$3 == "${name}" { if ($5 != 0) print "@fault fio: ${name} ended with error " $5; else printf "@io ${name} disk %.1f\\n", ${ns} }`
  })
  return [
    'export DISK=/dev/vda',
    '[ -e /dev/xvda ] && DISK=/dev/xvda',
    `fio --output-format=terse --terse-version=3 /${JOB_FILE} | awk -F';' '${lines.join(' ')}'`,
  ].join('\n')
}
