import { ENOSYS, EPERM } from '../abi/errno.ts'
import { SHUTDOWN_crash } from '../abi/sched.ts'
import { shutdownDomain } from '../domain/lifecycle.ts'
import { DomainCrash } from '../errors.ts'
import { CONTINUE, REGISTERS_SET } from './continuation.ts'
import { AbsentFrame } from './guest-handle.ts'
import { HypercallArgs } from './hypercall-args.ts'
import type { HypercallContext } from './hypercall-context.ts'
import { multicallRow } from './multicall.ts'
import { type HypercallResult, type HypercallSet, HypercallTable } from './table.ts'

/** How a hypercall left, and what the caller of dispatch does. */
export type HypercallExit =
  /** Store `result` in RAX and go on behind the instruction. */
  | 'done'
  /** Store `args` back into the six registers and leave RIP on the instruction: there is more to do. */
  | 'continue'
  /** The same, and do not run the vCPU before frame `absentGmfn` is there. */
  | 'absent'
  /** The handler set every register: store nothing. */
  | 'registers-set'
  /** The domain was crashed: do not run it on. */
  | 'crashed'

/** Runs hypercalls of one worker: fill {@link args}, call {@link dispatch}, act by its answer. */
export class HypercallDispatcher {
  /** Arguments of the call in progress; moved on when the exit is `continue` or `absent`. */
  readonly args: HypercallArgs = new HypercallArgs()
  /** After `done`: RAX; a number is sign-extended to 64 bits. */
  result: number | bigint = 0
  /** After `absent`. */
  absentGmfn = -1
  readonly #table: HypercallTable

  /** @param sets every row but multicall's, which is dispatch's own */
  constructor(sets: readonly HypercallSet[]) {
    const multicall = multicallRow((ctx, nr, args) => this.call(ctx, nr, args))
    this.#table = new HypercallTable([{ id: 'core dispatch', rows: [multicall] }, ...sets])
  }

  /** @param nr RAX; any number past 2^53 may stand for itself */
  dispatch(ctx: HypercallContext, nr: number): HypercallExit {
    try {
      const result = this.call(ctx, nr, this.args)
      if (result === CONTINUE) return 'continue'
      if (result === REGISTERS_SET) return 'registers-set'
      this.result = result as number | bigint
      return 'done'
    } catch (error) {
      if (error instanceof AbsentFrame) {
        this.absentGmfn = error.gmfn
        return 'absent'
      }
      crashDomain(ctx, error)
      return 'crashed'
    }
  }

  /** One call, of dispatch or of a multicall: what {@link HypercallHandler} says. */
  call(ctx: HypercallContext, nr: number, args: HypercallArgs): HypercallResult {
    const entry = this.#table.get(nr)
    if (entry === undefined) return -ENOSYS
    if (entry.privileged && !ctx.domain.state.privileged) return -EPERM
    return entry.handler(ctx, args)
  }
}

/** What whoever runs a vCPU does with an error in its domain's context: the guest's fault or ours, the domain pays. */
export function crashDomain(ctx: HypercallContext, error: unknown): void {
  const { domain, services } = ctx
  if (error instanceof DomainCrash) services.reportCrash(domain.domid, error.reason)
  else services.reportBug(domain.domid, error instanceof Error ? error : new Error(String(error)))
  shutdownDomain(domain, SHUTDOWN_crash, services)
}
