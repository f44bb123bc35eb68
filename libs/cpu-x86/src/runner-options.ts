import type { Helpers } from './cold/cold-tier.ts'
import type { Entries } from './cold/entries.ts'
import type { SlowAccessHooks } from './cold/slow-access.ts'
import type { RegionsOptions } from './jit/regions.ts'
import type { CpuPolicy } from './state/policy.ts'
import type { VcpuMemory } from './state/vcpu-memory.ts'

/** What a VcpuRunner is given (run.ts). */
export interface RunnerOptions {
  readonly helpers: (vcpu: VcpuMemory) => Helpers
  readonly access: SlowAccessHooks
  /** What spares translated code from being left; none by default. */
  readonly entries?: (vcpu: VcpuMemory) => Entries
  /** What decodes; all that is implemented by default. */
  readonly policy?: CpuPolicy
  /** Jumps to a place before a region is made of it; 0 for no regions. */
  readonly regionThreshold?: number
  /** `most`: regions before all code is dropped and made anew. */
  readonly regions?: RegionsOptions
  /** The domain's vCPUs, first to last, this one among them; none is only this one. */
  readonly vcpus?: readonly VcpuMemory[]
}
