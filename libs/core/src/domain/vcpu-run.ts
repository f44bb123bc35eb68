import type { Domain } from './domain.ts'
import { VCPU, VCPU_BLOCKED } from './domain-state.ts'
import type { SchedulerPort } from './scheduler-port.ts'

/**
 * Ends a block or poll of the vCPU, if it is in one; true if it was. What it polled for stays written down, to no effect,
 * until it waits again: it is the vCPU's own to change, since it may wait anew before another thread is done here.
 */
export function unblockVcpu(domain: Domain, vcpu: number, sched: SchedulerPort): boolean {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const before = VCPU.flags.clear(memory, base, VCPU_BLOCKED)
  if ((before & VCPU_BLOCKED) === 0) return false
  sched.wake(domain.domid, vcpu)
  return true
}

/** The vCPU has an event to take: it is woken if it waits, kicked if it runs. */
export function notifyVcpu(domain: Domain, vcpu: number, sched: SchedulerPort): void {
  if (!unblockVcpu(domain, vcpu, sched) && VCPU.pcpu.load(domain.state.memory, domain.state.vcpu(vcpu)) >= 0) {
    sched.kick(domain.domid, vcpu)
  }
}
