/** What the hypervisor counts, for xend's metrics. */
import { type ProcessStats, processStats } from '../stats/process-stats.ts'
import type { RequestCount, RequestCounts } from '../stats/request-counts.ts'
import type { ConsoleCount, Consoles } from './consoles.ts'

export interface HypervisorStats {
  readonly process: ProcessStats
  readonly requests: readonly RequestCount[]
  readonly consoles: readonly ConsoleCount[]
  /** Programs of the host that are connected to the store. */
  readonly storeClients: number
}

export interface StatsSources {
  readonly counts: RequestCounts
  readonly consoles: Consoles
  readonly storeClients: () => number
}

export async function hypervisorStats({ counts, consoles, storeClients }: StatsSources): Promise<HypervisorStats> {
  return {
    process: await processStats(),
    requests: counts.rows(),
    consoles: consoles.counts(),
    storeClients: storeClients(),
  }
}
