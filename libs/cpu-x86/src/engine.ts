import type { EnginePart } from '@paravane/core'
import { PvControl } from './pv/pv-control.ts'
import { PvPcpu } from './pv/pv-pcpu.ts'

/** The CPU engine of paravirtual domains: the first on domain 0's thread, the second on each pCPU. */
export const pvEngine: EnginePart = {
  control: () => new PvControl(),
  pcpu: (init) => new PvPcpu(init),
}
