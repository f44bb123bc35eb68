import type { EnginePart } from '@paravane/core'
import { PvControl } from './pv/pv-control.ts'
import { PvPcpu } from './pv/pv-pcpu.ts'
import type { CpuPolicy } from './state/policy.ts'

/**
 * The CPU engine of paravirtual domains: the first on domain 0's thread, the second on each pCPU.
 * @param keep folder in which compiled code is kept for other processes, if it is
 */
export const pvEngine = (policy: CpuPolicy, keep?: string): EnginePart => ({
  control: () => new PvControl(),
  pcpu: (init) => new PvPcpu(init, policy, keep),
})
