import { VIRQ_DOM_EXC } from '../abi/xen.ts'
import type { EventChannels } from '../event-channel/event-channels.ts'
import type { Domain } from './domain.ts'
import { DOMAIN, DOMAIN_CREATED, DOMAIN_DYING, DOMAIN_RUNNING, DOMAIN_SHUTDOWN } from './domain-state.ts'
import type { SchedulerPort } from './scheduler-port.ts'

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

/** Whether vCPUs of the domain may run. */
export function domainRuns(domain: Domain): boolean {
  const { memory } = domain.state
  return DOMAIN.lifecycle.load(memory, 0) === DOMAIN_RUNNING && DOMAIN.paused.load(memory, 0) === 0
}
