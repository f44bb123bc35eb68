import { __HYPERVISOR_set_timer_op } from '../../abi/xen.ts'
import { NEVER } from '../../domain/domain-state.ts'
import { guestTime } from '../../time/system-time.ts'
import { setSingleshot } from '../../time/timers.ts'
import type { HypercallRow } from '../table.ts'

/** set_timer_op(ns of guest time): 0 stops the timer, a time that is past raises VIRQ_TIMER at once. */
export const setTimerOp: HypercallRow = {
  nr: __HYPERVISOR_set_timer_op,
  name: 'set_timer_op',
  callers: 'any',
  handler: ({ domain, vcpu, clock, services }, args) => {
    const timeout = BigInt.asIntN(64, args.u64(0))
    const deadline = timeout === 0n ? NEVER : timeout < 0n ? 0n : timeout
    setSingleshot(domain, vcpu, deadline, guestTime(domain, clock), services.events)
    services.sched.timersChanged(domain.domid, vcpu)
    return 0
  },
}
