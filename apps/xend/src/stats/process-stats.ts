/** What a process of ours takes of its host. */
import { readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

export interface ProcessStats {
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** In use, of this thread. */
  readonly heapBytes: number
  /** Undefined where the host does not tell. */
  readonly openFiles?: number
  /** s since the epoch. */
  readonly startTime: number
  /** How long this thread has been busy. */
  readonly loopActiveSeconds: number
  /** How late a timer comes that is set now. */
  readonly loopLagSeconds: number
}

const PROBE_MS = 10

export async function processStats(): Promise<ProcessStats> {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    heapBytes: heapUsed,
    openFiles: openFiles(),
    startTime: performance.timeOrigin / 1000,
    loopActiveSeconds: performance.eventLoopUtilization().active / 1000,
    loopLagSeconds: await lateness(),
  }
}

/** Measured when it is asked for: a timer that always runs would wake a host that rests. */
function lateness(): Promise<number> {
  const begin = performance.now()
  return new Promise((resolve) => {
    setTimeout(() => resolve(Math.max(0, performance.now() - begin - PROBE_MS) / 1000), PROBE_MS)
  })
}

function openFiles(): number | undefined {
  try {
    // The listing itself is one of them.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}
