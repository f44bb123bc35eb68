import type { Domain } from './domain.ts'
import { DOMAIN, NEVER, VCPU, VCPU_BLOCKED } from './domain-state.ts'
import type { SchedulerPort } from './scheduler-port.ts'

/** Ends a block or poll of the vCPU, if it is in one; true if it was. */
export function unblockVcpu(domain: Domain, vcpu: number, sched: SchedulerPort): boolean {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const before = VCPU.flags.clear(memory, base, VCPU_BLOCKED)
  if ((before & VCPU_BLOCKED) === 0) return false
  VCPU.polling.store(memory, base, 0)
  VCPU.pollTimeout.store(memory, base, NEVER)
  DOMAIN.pollers.clear(memory, 0, 1 << (vcpu & 31), vcpu >> 5)
  sched.wake(domain.domid, vcpu)
  return true
}

/** The vCPU has an event to take: it is woken if it waits, kicked if it runs. */
export function notifyVcpu(domain: Domain, vcpu: number, sched: SchedulerPort): void {
  if (!unblockVcpu(domain, vcpu, sched) && VCPU.pcpu.load(domain.state.memory, domain.state.vcpu(vcpu)) >= 0) {
    sched.kick(domain.domid, vcpu)
  }
}
