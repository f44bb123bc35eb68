/** The metrics of a system, as a table: of its domains, and of its two processes. */
import type { ControlInfo, DeviceRow, DomainRow } from '../hypervisor/control-rows.ts'
import type { HypervisorStats } from '../hypervisor/stats.ts'
import type { ProcessStats } from '../stats/process-stats.ts'
import type { Metric, Sample } from '../stats/prometheus.ts'
import type { RequestCount } from '../stats/request-counts.ts'
import { deviceMetrics } from './device-metrics.ts'

/** What is known of one process. */
export interface ObservedProcess {
  readonly name: 'xend' | 'hypervisor'
  readonly process: ProcessStats
  readonly requests: readonly RequestCount[]
}

/** What the hypervisor says, where it answers. */
export interface ObservedHypervisor {
  readonly info: ControlInfo
  readonly domains: readonly DomainRow[]
  readonly devices: readonly DeviceRow[]
  readonly stats: HypervisorStats
}

const STATES: readonly DomainRow['state'][] = ['running', 'blocked', 'paused', 'suspended', 'shutdown', 'crashed']
const MIB = 2 ** 20

export function systemMetrics(xend: ObservedProcess, hypervisor: ObservedHypervisor | undefined): readonly Metric[] {
  const up: Metric = {
    name: 'paravane_hypervisor_up',
    type: 'gauge',
    help: 'Whether the hypervisor answers xend.',
    samples: [[{}, hypervisor === undefined ? 0 : 1]],
  }
  if (hypervisor === undefined) return [up, ...processMetrics([xend])]
  const { process, requests } = hypervisor.stats
  return [up, ...hypervisorMetrics(hypervisor), ...processMetrics([xend, { name: 'hypervisor', process, requests }])]
}

function hypervisorMetrics({ info, domains, devices, stats }: ObservedHypervisor): readonly Metric[] {
  const perDomain = (value: (row: DomainRow) => number | undefined): readonly Sample[] =>
    domains.flatMap((row): readonly Sample[] => {
      const number = value(row)
      return number === undefined ? [] : [[{ domain: row.name, uuid: row.uuid }, number]]
    })
  const console = new Map(stats.consoles.map((count) => [count.domid, count]))
  return [
    {
      name: 'paravane_pcpus',
      type: 'gauge',
      help: 'Threads that run vCPUs.',
      samples: [[{ scheduler: info.scheduler }, info.pcpus]],
    },
    {
      name: 'paravane_domains',
      type: 'gauge',
      help: 'Domains by state, without Domain-0.',
      samples: STATES.map((state) => [{ state }, domains.filter((row) => row.state === state).length]),
    },
    {
      name: 'paravane_domain_cpu_seconds_total',
      type: 'counter',
      help: 'CPU time of the vCPUs of a domain.',
      samples: perDomain(({ cpuSeconds }) => cpuSeconds),
    },
    {
      name: 'paravane_domain_memory_bytes',
      type: 'gauge',
      help: 'Memory of a domain.',
      samples: perDomain(({ memoryMiB }) => memoryMiB * MIB),
    },
    {
      name: 'paravane_domain_vcpus',
      type: 'gauge',
      help: 'vCPUs of a domain.',
      samples: perDomain(({ vcpus }) => vcpus),
    },
    {
      name: 'paravane_domain_console_output_bytes_total',
      type: 'counter',
      help: 'What a domain has written to its console.',
      samples: perDomain(({ domid }) => console.get(domid)?.output),
    },
    {
      name: 'paravane_domain_console_input_bytes_total',
      type: 'counter',
      help: "What was typed at a domain's console.",
      samples: perDomain(({ domid }) => console.get(domid)?.input),
    },
    {
      name: 'paravane_xenstore_clients',
      type: 'gauge',
      help: 'Programs of the host that are connected to the store.',
      samples: [[{}, stats.storeClients]],
    },
    ...deviceMetrics(domains, devices),
  ]
}

function processMetrics(processes: readonly ObservedProcess[]): readonly Metric[] {
  const each = (value: (stats: ProcessStats) => number | undefined): readonly Sample[] =>
    processes.flatMap(({ name, process }): readonly Sample[] => {
      const number = value(process)
      return number === undefined ? [] : [[{ process: name }, number]]
    })
  const requests = processes.flatMap(({ name, requests }) => requests.map((count) => ({ process: name, ...count })))
  return [
    {
      name: 'paravane_process_cpu_seconds_total',
      type: 'counter',
      help: 'CPU time of a process; that of the hypervisor has the guests in it.',
      samples: each(({ cpuSeconds }) => cpuSeconds),
    },
    {
      name: 'paravane_process_resident_memory_bytes',
      type: 'gauge',
      help: 'Memory of the host that a process holds.',
      samples: each(({ residentBytes }) => residentBytes),
    },
    {
      name: 'paravane_process_heap_bytes',
      type: 'gauge',
      help: 'Heap in use, of the main thread.',
      samples: each(({ heapBytes }) => heapBytes),
    },
    {
      name: 'paravane_process_open_files',
      type: 'gauge',
      help: 'Open file descriptors.',
      samples: each(({ openFiles }) => openFiles),
    },
    {
      name: 'paravane_process_start_time_seconds',
      type: 'gauge',
      help: 'When a process began, since the epoch.',
      samples: each(({ startTime }) => startTime),
    },
    {
      name: 'paravane_process_event_loop_active_seconds_total',
      type: 'counter',
      help: 'How long the event loop of the main thread has been busy.',
      samples: each(({ loopActiveSeconds }) => loopActiveSeconds),
    },
    {
      name: 'paravane_process_event_loop_lag_seconds',
      type: 'gauge',
      help: 'How late a timer came that was set for this answer.',
      samples: each(({ loopLagSeconds }) => loopLagSeconds),
    },
    {
      name: 'paravane_rpc_requests_total',
      type: 'counter',
      help: 'Requests by method; those that name none of ours have none.',
      samples: requests.map(({ process, method, requests }) => [{ process, method }, requests]),
    },
    {
      name: 'paravane_rpc_errors_total',
      type: 'counter',
      help: 'Requests that were answered by an error, by its code.',
      samples: requests.flatMap(({ process, method, errors }) =>
        Object.entries(errors).map(([code, count]): Sample => [{ process, method, code }, count]),
      ),
    },
  ]
}
