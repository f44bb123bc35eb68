/** xm vcpu-list and vcpu-pin (tools/python/xen/xm/main.py of 4.1). */
import { CodedError } from '@paravane/core'
import type { DomainDetails } from '../daemon/domain-details.ts'
import type { VcpuTable } from '../daemon/tuning-verbs.ts'
import { chooseDetails } from './choose-domains.ts'
import type { Command } from './command.ts'
import { formatCpuList, parseCpuList } from './cpu-list.ts'

type Row = VcpuTable['rows'][number]
/** One of a domain that does not run has no number. */
export type VcpuLine = Omit<Row, 'domid'> & { readonly domid: number | null }

export const VCPU_HEADER: string = `${[
  'Name'.padEnd(32),
  'ID'.padStart(5),
  'VCPU'.padStart(5),
  'CPU'.padStart(5),
  'State'.padStart(5),
  'Time(s)'.padStart(9),
  'CPU Affinity',
].join(' ')}\n`

const STATES: Readonly<Record<VcpuLine['state'], string>> = {
  running: 'r--',
  runnable: '---',
  blocked: '-b-',
  offline: '--p',
}

export function vcpuLine({ name, domid, vcpu, pcpu, state, cpuSeconds, affinity }: VcpuLine, pcpus: number): string {
  const cpu = pcpu === null ? '-' : String(pcpu)
  const columns = [
    name.padEnd(32),
    String(domid ?? '').padStart(5),
    String(vcpu).padStart(5),
    cpu.padStart(5),
    STATES[state].padStart(5),
    cpuSeconds.toFixed(1).padStart(9),
    formatCpuList(affinity, pcpus),
  ]
  return `${columns.join(' ')}\n`
}

function linesOf({ domain, definition }: DomainDetails, pcpus: number, rows: readonly Row[]): readonly VcpuLine[] {
  const { name, domid, vcpus } = domain
  if (domid !== null) return rows.filter((row) => row.domid === domid)
  const all = Array.from({ length: pcpus }, (_, pcpu) => pcpu)
  const none = { name, domid, online: false, pcpu: null, state: 'offline', cpuSeconds: 0 } as const
  return Array.from({ length: vcpus }, (_, vcpu) => ({
    ...none,
    vcpu,
    affinity: definition?.config.affinity?.[vcpu] ?? all,
  }))
}

export const vcpuCommands: readonly Command[] = [
  {
    name: 'vcpu-list',
    usage: '[Domain, ...]',
    summary: 'List the VCPUs for all/some domains.',
    about: [
      'CPU is the pCPU that runs a vCPU, or ran it last. State has r for running, b for blocked, p for a vCPU that the guest has not brought up. Domain-0 runs beside the pCPUs, so it has none.',
    ],
    args: [0, Number.POSITIVE_INFINITY],
    completes: ['domain'],
    async run({ args, json }, { xend, stdout }) {
      const chosen = await chooseDetails(xend, args)
      const { pcpus, rows } = await xend.call<VcpuTable>('vcpu.list')
      const lines = chosen.flatMap((details) => linesOf(details, pcpus, rows))
      if (json) stdout(`${JSON.stringify(lines, undefined, 2)}\n`)
      else stdout(VCPU_HEADER + lines.map((line) => vcpuLine(line, pcpus)).join(''))
    },
  },
  {
    name: 'vcpu-pin',
    usage: '<Domain> <VCPU|all> <CPUs|all>',
    summary: 'Set which CPUs a VCPU can use.',
    about: [
      'CPUs is a list such as 0-3,^1,5: CPUs 0, 2, 3 and 5. Those that the host does not have are left out. What is set holds for the starts that follow, too.',
    ],
    args: [3, 3],
    completes: ['domain', ['all'], ['all']],
    async run({ args }, { xend }) {
      const [domain, vcpu, cpus] = args as [string, string, string]
      if (vcpu !== 'all' && !/^\d{1,2}$/.test(vcpu)) {
        throw new CodedError({ code: 'USAGE' }, `Invalid argument: '${vcpu}' is no VCPU; give its number, or all`)
      }
      const chosen = vcpu === 'all' ? {} : { vcpu: Number(vcpu) }
      await xend.call('vcpu.pin', { domain, ...chosen, cpus: parseCpuList(cpus) })
    },
  },
  {
    name: 'vcpu-set',
    usage: '<Domain> <vCPUs>',
    summary: 'Set the number of active VCPUs for the domain.',
    about: [
      'There are as many as maxvcpus in its config says. A guest that runs is asked to have so many up. Linux takes one down by itself; one that may come up is brought up by its udev, or by who writes 1 to /sys/devices/system/cpu/cpuN/online. What is set holds for the starts that follow, too.',
    ],
    args: [2, 2],
    completes: ['domain', 'text'],
    async run({ args }, { xend }) {
      const [domain, count] = args as [string, string]
      if (!/^\d{1,2}$/.test(count)) {
        throw new CodedError({ code: 'USAGE' }, `Invalid argument: '${count}' is no number of VCPUs; give it as 2`)
      }
      await xend.call('vcpu.set', { domain, count: Number(count) })
    },
  },
]
