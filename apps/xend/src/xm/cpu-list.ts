/** Lists of pCPUs as xm takes and shows them. */
import { CodedError } from '@paravane/core'
import { parseCpus } from '../config/cpu-set.ts'

/** What "all" is sent as (tools/python/xen/xm/main.py of 4.1, cpu_make_map); the hypervisor takes those it has. */
const ALL = Array.from({ length: 64 }, (_, cpu) => cpu)

/** "0-3,^1,5" or "all". @throws CodedError `USAGE` */
export function parseCpuList(text: string): readonly number[] {
  const cpus = text === 'all' ? ALL : parseCpus(text)
  if (cpus !== undefined) return cpus
  throw new CodedError({ code: 'USAGE' }, `Invalid argument: '${text}' is no list of CPUs; write it as 0-3,^1,5 or all`)
}

/** "0-1,3", "any cpu" for all there are, "no cpus". */
export function formatCpuList(cpus: readonly number[], pcpus: number): string {
  if (cpus.length === 0) return 'no cpus'
  const sorted = cpus.toSorted((a, b) => a - b)
  if (Array.from({ length: pcpus }, (_, cpu) => cpu).every((cpu) => sorted.includes(cpu))) return 'any cpu'
  const ranges: [number, number][] = []
  for (const cpu of sorted) {
    const last = ranges.at(-1)
    if (last !== undefined && cpu <= last[1] + 1) last[1] = cpu
    else ranges.push([cpu, cpu])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}
