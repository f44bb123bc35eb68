import { NEVER_HOT, REC } from '../cold/record.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'

/** A part of the jumps that make a place hot, after which it is taken into the regions of others. */
const WARM = 8

/** Whether a record was jumped to often enough to be worth its place in a region. */
export function isWarm({ views: { u16 } }: VcpuMemory, rec: number, hotThreshold: number): boolean {
  if (rec === 0) return false
  const left = u16[(rec + REC.HOT) >> 1]
  // None or more than the threshold is left where it was reached already.
  return left === NEVER_HOT || left > hotThreshold || hotThreshold - left >= hotThreshold / WARM
}
