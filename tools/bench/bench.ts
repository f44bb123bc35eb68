import { availableParallelism, cpus, loadavg } from 'node:os'
import { BOOTS, bootPart } from './boot-part.ts'
import { compileWorkload } from './compile-workload.ts'
import { DISK_BOOTS, diskBootPart } from './devices/disk-boot-part.ts'
import { disksPart } from './devices/disks-part.ts'
import { FIO_JOBS } from './devices/fio-jobs.ts'
import { NEIGHBOUR_LOADS, neighboursPart } from './devices/neighbours-part.ts'
import { NET_LOADS, networksPart } from './devices/networks-part.ts'
import { kernelNames, kernelsPart } from './kernels-part.ts'
import { obtainQemu } from './obtain-qemu.ts'
import type { PartInit, Result } from './part.ts'
import { PROGRAMS } from './programs/table.ts'
import { programsPart } from './programs-part.ts'

export type BenchOptions = Omit<PartInit, 'workload' | 'qemu'>

/** Names that stand for all of a part. */
const GROUPS = ['kernels', 'programs', 'boots', 'disks', 'networks', 'neighbours', 'disk-boots'] as const

/** Times what is named, all by default. @throws RatiosRefused, RangeError for an unknown name, Error of one line */
export async function bench(options: BenchOptions): Promise<Result> {
  const { names: wanted, rounds, progress, least } = options
  const { path: workload, compiler } = await compileWorkload(progress)
  const parts = [
    { all: await kernelNames(workload), measure: kernelsPart },
    { all: PROGRAMS.map(({ name }) => name), measure: programsPart },
    { all: BOOTS, measure: bootPart },
    { all: FIO_JOBS.map(({ name }) => name), measure: disksPart },
    { all: NET_LOADS.map(({ name }) => name), measure: networksPart },
    { all: NEIGHBOUR_LOADS.map(({ name }) => name), measure: neighboursPart },
    { all: DISK_BOOTS, measure: diskBootPart },
  ]
  const known = [...parts.flatMap(({ all }) => all), ...GROUPS]
  const unknown = wanted.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new RangeError(`nothing is called ${unknown}; there are ${known.join(' ')}`)
  const qemu = await obtainQemu(progress)
  const loadBefore = loadavg()[0]
  const results: Result[] = []
  for (const [n, { all, measure }] of parts.entries()) {
    const whole = wanted.length === 0 || wanted.includes(GROUPS[n])
    const names = all.filter((name) => whole || wanted.includes(name))
    if (names.length > 0) results.push(await measure({ ...options, names, workload, qemu }))
  }
  const statistic = least ? 'least times' : 'medians'
  return {
    rows: results.flatMap(({ rows }) => rows),
    load: [
      ['this machine', `${cpus()[0].model}, ${availableParallelism()} processors, Node ${process.version}`],
      ['its load', `${loadBefore.toFixed(2)} before, ${loadavg()[0].toFixed(2)} after`],
      ['processes of each machine', `${rounds}, interleaved; ${statistic}`],
      ['compiled code', options.kept ? 'kept from earlier processes' : 'none from before'],
      ['compiler', compiler],
      ['rival', qemu.version],
      ...results.flatMap(({ load }) => load),
    ],
  }
}
