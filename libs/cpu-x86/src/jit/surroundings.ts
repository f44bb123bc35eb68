import type { I64 } from '../wasm/expr.ts'
import type { RegionInsn } from './region-code.ts'

/** What lies outside of the blocks. */
export interface Outside {
  /** Label for who goes on at RIP. */
  readonly done: number
  /** Label for who leaves at SITE. */
  readonly site: number
  /** Functions. */
  readonly open: number
  readonly fill: number
  readonly settle: number
  /** Where the mode's data TLB is, from the vCPU. */
  readonly tlb: number
}

/** Where a region's jumps lead: the function's business (region-flow.ts). The count is settled. */
export interface Flow {
  /** Emits the jump or call of `here` to an offset. */
  jump(here: RegionInsn, offset: number): void
  /** Emits what `here` does to go on at an address. */
  jumpTo(here: RegionInsn, rip: I64): void
}
