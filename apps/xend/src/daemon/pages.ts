/** What xend answers to a GET: whether all is well, and figures for Prometheus. */
import type { ServerResponse } from 'node:http'
import type { ControlInfo, DeviceRow, DomainRow } from '../hypervisor/control-rows.ts'
import type { HypervisorStats } from '../hypervisor/stats.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { processStats } from '../stats/process-stats.ts'
import { formatMetrics, PROMETHEUS_TYPE } from '../stats/prometheus.ts'
import type { RequestCounts } from '../stats/request-counts.ts'
import { type ObservedHypervisor, systemMetrics } from './metrics.ts'

/** One that takes longer to answer is not well. */
const PATIENCE_MS = 5000

export type Pages = ReadonlyMap<string, (response: ServerResponse) => Promise<void>>

export function daemonPages(control: RpcClient, counts: RequestCounts): Pages {
  return new Map([
    ['/healthz', (response) => health(control, response)],
    ['/metrics', (response) => metrics(control, counts, response)],
  ])
}

async function health(control: RpcClient, response: ServerResponse): Promise<void> {
  try {
    await control.call('info', {}, AbortSignal.timeout(PATIENCE_MS))
    answer(response, 200, 'text/plain', 'ok\n')
  } catch (error) {
    answer(response, 503, 'text/plain', `${(error as Error).message}\n`)
  }
}

async function metrics(control: RpcClient, counts: RequestCounts, response: ServerResponse): Promise<void> {
  const xend = { name: 'xend', process: await processStats(), requests: counts.rows() } as const
  const hypervisor = await observed(control).catch(() => undefined)
  answer(response, 200, PROMETHEUS_TYPE, formatMetrics(systemMetrics(xend, hypervisor)))
}

async function observed(control: RpcClient): Promise<ObservedHypervisor> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const [info, domains, devices, stats] = await Promise.all([
    control.call<ControlInfo>('info', {}, signal),
    control.call<readonly DomainRow[]>('domain.list', {}, signal),
    // One of an older release has none.
    control.call<readonly DeviceRow[]>('device.list', {}, signal).catch(() => []),
    control.call<HypervisorStats>('stats', {}, signal),
  ])
  return { info, domains, devices, stats }
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  response.statusCode = status
  response.setHeader('content-type', type).setHeader('cache-control', 'no-store').end(text)
}
