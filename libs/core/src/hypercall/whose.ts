import { EPERM, ESRCH } from '../abi/errno.ts'
import { DOMID_SELF } from '../abi/xen.ts'
import type { HypercallContext } from './hypercall-context.ts'

/** Whether a domid of an argument means the caller. */
export function isSelf({ domain }: HypercallContext, domid: number): boolean {
  return domid === DOMID_SELF || domid === domain.domid
}

/** 0 if a domid means the caller, to whom alone most operations are open; -EPERM for another's, -ESRCH for nobody's. */
export function notSelf(ctx: HypercallContext, domid: number): number {
  if (isSelf(ctx, domid)) return 0
  return ctx.services.domains.get(domid) === undefined ? -ESRCH : -EPERM
}
