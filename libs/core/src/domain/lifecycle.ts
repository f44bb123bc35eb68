import { VIRQ_DOM_EXC } from '../abi/xen.ts'
import { bugOn } from '../errors.ts'
import type { EventChannels } from '../event-channel/event-channels.ts'
import type { Domain } from './domain.ts'
import {
  DOMAIN,
  DOMAIN_CREATED,
  DOMAIN_DYING,
  DOMAIN_RUNNING,
  DOMAIN_SHUTDOWN,
  NEVER,
  VCPU,
  VCPU_UP,
} from './domain-state.ts'
import type { SchedulerPort } from './scheduler-port.ts'

/** Whether vCPUs of the domain may run. */
export function domainRuns(domain: Domain): boolean {
  const { memory } = domain.state
  return DOMAIN.lifecycle.load(memory, 0) === DOMAIN_RUNNING && DOMAIN.paused.load(memory, 0) === 0
}

/** Stops the domain's vCPUs until as many {@link unpauseDomain}. They may still run when this returns, but not for long. */
export function pauseDomain(domain: Domain, sched: SchedulerPort): void {
  if (DOMAIN.paused.add(domain.state.memory, 0, 1) === 0) sched.domainStopped(domain.domid)
}

/** Ends one pause; a new domain begins to run with the end of the pause it was created in. */
export function unpauseDomain(domain: Domain, sched: SchedulerPort): void {
  const { memory } = domain.state
  const before = DOMAIN.paused.add(memory, 0, -1)
  bugOn(before <= 0, 'unpause of a domain that is not paused')
  if (before > 1) return
  DOMAIN.lifecycle.compareExchange(memory, 0, DOMAIN_CREATED, DOMAIN_RUNNING)
  wakeAll(domain, sched)
}

/**
 * The toolstack lets a domain that shut down go on, as after a suspend that was cancelled or a restore. Watchdogs that ran
 * out meanwhile are off, as Xen lets them pass (xen/common/sched/core.c domain_watchdog_timeout).
 * @param now ns of guest time
 */
export function resumeDomain(domain: Domain, now: bigint, sched: SchedulerPort): void {
  const { memory } = domain.state
  for (let i = 0; i < DOMAIN.watchdogs.length; i++) {
    const due = DOMAIN.watchdogs.load(memory, 0, i)
    if (due !== NEVER && due <= now) DOMAIN.watchdogs.store(memory, 0, NEVER, i)
  }
  DOMAIN.shutdownReason.store(memory, 0, -1)
  if (DOMAIN.lifecycle.compareExchange(memory, 0, DOMAIN_SHUTDOWN, DOMAIN_RUNNING) === DOMAIN_SHUTDOWN) {
    wakeAll(domain, sched)
  }
}

/** Its vCPUs may run, and the timers of those that sleep count again. */
function wakeAll(domain: Domain, sched: SchedulerPort): void {
  if (domain.state.virtualTime) {
    // One unit of the scheduler, whichever of its vCPUs has something to do.
    sched.wake(domain.domid, 0)
    return
  }
  for (let vcpu = 0; vcpu < domain.state.nrVcpus; vcpu++) {
    if ((VCPU.flags.load(domain.state.memory, domain.state.vcpu(vcpu)) & VCPU_UP) === 0) continue
    sched.wake(domain.domid, vcpu)
    sched.timersChanged(domain.domid, vcpu)
  }
}

/**
 * Shuts a running domain down: none of its vCPUs runs again until the toolstack resumes or destroys it. VIRQ_DOM_EXC
 * tells domain 0. Nothing happens to one that is shut down already: the first reason stays.
 * @param reason SHUTDOWN_*
 */
export function shutdownDomain(
  domain: Domain,
  reason: number,
  services: { readonly sched: SchedulerPort; readonly events: EventChannels },
): void {
  const { memory } = domain.state
  DOMAIN.shutdownReason.compareExchange(memory, 0, -1, reason)
  if (
    DOMAIN.lifecycle.compareExchange(memory, 0, DOMAIN_RUNNING, DOMAIN_SHUTDOWN) !== DOMAIN_RUNNING &&
    DOMAIN.lifecycle.compareExchange(memory, 0, DOMAIN_CREATED, DOMAIN_SHUTDOWN) !== DOMAIN_CREATED
  ) {
    return
  }
  services.sched.domainStopped(domain.domid)
  services.events.raiseGlobalVirq(VIRQ_DOM_EXC)
}

/** The toolstack begins to take the domain apart. */
export function beginDying(domain: Domain, sched: SchedulerPort): void {
  DOMAIN.lifecycle.store(domain.state.memory, 0, DOMAIN_DYING)
  sched.domainStopped(domain.domid)
}
