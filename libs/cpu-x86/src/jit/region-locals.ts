import type { Locals } from '../builder/locals.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import type { FlagLocals } from './symbolic-flags.ts'

/** Locals of a region's function besides its registers. */
export interface RegionLocals {
  readonly count: I32
  readonly pageVa: I64
  /** Where the guest goes on after the region. */
  readonly rip: I64
  readonly flags: FlagLocals
  /** Where the region is left in the middle of an instruction. */
  readonly site: I64
  /** Which entry of a loop a dispatcher is to lead to. */
  readonly selector: I32
}

export function regionLocals(locals: Locals): RegionLocals {
  return {
    count: locals.named('i32'),
    pageVa: locals.named('i64'),
    rip: locals.named('i64'),
    site: locals.named('i64'),
    selector: locals.named('i32'),
    flags: {
      values: { p: locals.named('i64'), q: locals.named('i64'), r: locals.named('i64') },
      state: locals.named('i32'),
    },
  }
}
