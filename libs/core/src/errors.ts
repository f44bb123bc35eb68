/**
 * The three kinds of failure, which are never mixed. A hypercall handler answers the guest with `-errno` (see
 * `abi/errno.ts`); whatever is not an answer is one of the classes below.
 */

/**
 * The guest did what real Xen punishes by killing the domain (an unreadable iret frame, a null callback). Hypercall
 * dispatch and trap delivery catch it and shut the domain down with SHUTDOWN_crash; nothing else may catch it.
 */
export class DomainCrash extends Error {
  override readonly name: string = 'DomainCrash'
  readonly domid: number
  readonly reason: string

  /** @param reason one line for the operator, without the domid */
  constructor(domid: number, reason: string) {
    super(`d${domid}: ${reason}`)
    this.domid = domid
    this.reason = reason
  }
}

/**
 * An invariant of ours does not hold. Raised in a domain's context it crashes that domain and is reported as our bug;
 * raised elsewhere it stops the process. No guest input may lead here.
 */
export class HypervisorBug extends Error {
  override readonly name: string = 'HypervisorBug'
}

/**
 * Throws {@link HypervisorBug} when `condition` holds.
 * @param why what was expected, in one line; a constant on hot paths, since it is built whether needed or not
 */
export function bugOn(condition: boolean, why: string): void {
  if (condition) throw new HypervisorBug(why)
}

/** What every coded error carries: a stable upper-case code, and fields that depend on it. */
export interface ErrorDetails {
  readonly code: string
}

/**
 * A failure a user or an API client can act on. The message is one line that names the file or key at fault and the
 * remedy; `details` is the same for programs, as in `CodedError<{ code: 'DISK_LOCKED'; path: string }>`.
 */
export class CodedError<D extends ErrorDetails> extends Error {
  override readonly name: string = 'CodedError'
  readonly details: D

  constructor(details: D, message: string, options?: ErrorOptions) {
    super(message, options)
    this.details = details
  }

  get code(): D['code'] {
    return this.details.code
  }
}
