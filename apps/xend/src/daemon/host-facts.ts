/** What xend tells of the machine it runs on. */
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

/** Bytes. */
export interface HostMemory {
  readonly total: number
  /** What the host could give without swapping. */
  readonly free: number
}

/** Within the limits that this process has. */
export function hostMemory(): HostMemory {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  return { total: Math.min(totalmem(), limit), free: process.availableMemory() }
}

/** Of the host's first processor; 0 where the host does not say. */
export function cpuMhz(): number {
  const speed = cpus()[0]?.speed
  if (speed) return speed
  try {
    return Math.round(Number(/^cpu MHz\s*: ([\d.]+)/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 0))
  } catch {
    return 0
  }
}
