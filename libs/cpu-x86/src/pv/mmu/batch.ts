import {
  AbsentFrame,
  CONTINUE,
  ELEMENTS_PER_STRETCH,
  GuestCopy,
  type HypercallArgs,
  type HypercallContext,
  type HypercallResult,
} from '@paravane/core'
import { EFAULT } from '@paravane/core/abi'
import type { Mmu } from './mmu.ts'
import { ABSENT, isUnfinished } from './outcome.ts'

/** In the count of a call that is entered again: what was done before is in *done already (MMU_UPDATE_PREEMPTED of Xen). */
const PREEMPTED = 0x8000_0000

const ARRAY = 0
const COUNT = 1
const DONE = 2

/** Performs one row: 0, -errno, RESTART or ABSENT. `words` is the row, copied in. May throw AbsentFrame before any effect. */
export type RowOperation = (mmu: Mmu, ctx: HypercallContext, words: Int32Array) => number

/** The array of requests of mmu_update and mmuext_op: (rows*, count, *done, domain). Copied in before any row is performed. */
export class Batch {
  readonly #rowBytes: number
  readonly #perform: RowOperation
  readonly #rows: Int32Array[] = []
  readonly #row: Uint8Array[] = []
  readonly #all: Uint8Array
  readonly #done = new GuestCopy(4)

  /** @param rowBytes a multiple of 4 */
  constructor(rowBytes: number, perform: RowOperation) {
    this.#rowBytes = rowBytes
    this.#perform = perform
    this.#all = new Uint8Array(rowBytes * ELEMENTS_PER_STRETCH)
    for (let i = 0; i < ELEMENTS_PER_STRETCH; i++) {
      this.#row.push(this.#all.subarray(i * rowBytes, (i + 1) * rowBytes))
      this.#rows.push(new Int32Array(this.#all.buffer, i * rowBytes, rowBytes >> 2))
    }
  }

  /** Rows up to the first failure; CONTINUE with the arguments moved on when there are more than fit a stretch. */
  run(mmu: Mmu, ctx: HypercallContext, args: HypercallArgs): HypercallResult {
    const reported = this.#doneBefore(ctx, args)
    const count = (args.u32(COUNT) & ~PREEMPTED) >>> 0
    const copied = this.#copyIn(ctx, args.u64(ARRAY), Math.min(count, ELEMENTS_PER_STRETCH))
    mmu.types.startStretch()
    let performed = 0
    let outcome = 0
    try {
      for (; performed < copied; performed++) {
        outcome = this.#perform(mmu, ctx, this.#rows[performed])
        if (outcome !== 0) break
      }
      if (outcome === ABSENT) throw new AbsentFrame(mmu.types.absentFrame)
    } catch (error) {
      // The rest of this call ends so again, with no rows before it.
      if (!(error instanceof AbsentFrame) || performed === 0) throw error
      return this.#moveOn(ctx, args, performed, count, reported)
    }
    if (isUnfinished(outcome)) return this.#moveOn(ctx, args, performed, count, reported)
    if (outcome === 0 && performed < count) {
      if (performed === ELEMENTS_PER_STRETCH) return this.#moveOn(ctx, args, performed, count, reported)
      outcome = -EFAULT
    }
    // Xen does not mind that it cannot say so (xen/arch/x86/mm.c do_mmu_update).
    this.#report(ctx, args, reported + performed)
    return outcome
  }

  /**
   * What *done says if the call is entered again, else 0. Also makes sure that *done will not be absent. That it cannot be
   * read or written is no error, as in Xen.
   */
  #doneBefore(ctx: HypercallContext, args: HypercallArgs): number {
    if (!hasDone(args)) return 0
    const va = args.u64(DONE)
    const again = (args.u32(COUNT) & PREEMPTED) !== 0
    if (!this.#done.copyFrom(ctx.guest, va) || !this.#done.copyTo(ctx.guest, va)) return 0
    return again ? this.#done.view.getUint32(0, true) & ~PREEMPTED : 0
  }

  /** Rows that could be read: all `rows`, or those before the first unreadable one. */
  #copyIn(ctx: HypercallContext, va: bigint, rows: number): number {
    if (rows === 0) return 0
    const all = rows === 1 ? this.#row[0] : this.#all.subarray(0, rows * this.#rowBytes)
    if (ctx.guest.read(va, all)) return rows
    for (let i = 0; i < rows; i++) if (!ctx.guest.read(va + BigInt(i * this.#rowBytes), this.#row[i])) return i
    return rows
  }

  #report(ctx: HypercallContext, args: HypercallArgs, done: number): void {
    if (!hasDone(args)) return
    this.#done.view.setUint32(0, done, true)
    this.#done.copyTo(ctx.guest, args.u64(DONE))
  }

  #moveOn(
    ctx: HypercallContext,
    args: HypercallArgs,
    performed: number,
    count: number,
    reported: number,
  ): HypercallResult {
    this.#report(ctx, args, reported + performed)
    moveOn(args, performed, count, this.#rowBytes)
    return CONTINUE
  }
}

/** To behind the first rows of `count`. */
export function moveOn(args: HypercallArgs, rows: number, count: number, rowBytes: number): void {
  args.set(ARRAY, args.u64(ARRAY) + BigInt(rows * rowBytes))
  args.set(COUNT, ((count - rows) | PREEMPTED) >>> 0)
}

/** Whether the caller wants to know how many rows were done. */
function hasDone({ halves }: HypercallArgs): boolean {
  return (halves[2 * DONE] | halves[2 * DONE + 1]) !== 0
}
