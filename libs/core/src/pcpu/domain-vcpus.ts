import { RUNSTATE_blocked, RUNSTATE_offline, RUNSTATE_runnable, RUNSTATE_running } from '../abi/vcpu.ts'
import type { Domain, DomainDirectory, GuestDomain } from '../domain/domain.ts'
import { DOMAIN, NEVER, VCPU, VCPU_ABSENT, VCPU_BLOCKED, VCPU_UP } from '../domain/domain-state.ts'
import { domainRuns } from '../domain/lifecycle.ts'
import { changeRunstate } from '../domain/runstate.ts'
import type { SchedulerPort } from '../domain/scheduler-port.ts'
import type { EventChannels } from '../event-channel/event-channels.ts'
import { NO_DEADLINE } from '../plugin/scheduler.ts'
import type { Clock } from '../time/clock.ts'
import { guestTime } from '../time/system-time.ts'
import { expireTimers, nextDeadline } from '../time/timers.ts'
import type { VcpuStates, VcpuTimers } from './vcpu-ports.ts'
import { virtualDomainWantsToRun } from './virtual-domain-runner.ts'

function vcpuFlags({ state }: Domain, vcpu: number): number {
  return VCPU.flags.load(state.memory, state.vcpu(vcpu))
}

/** ns to add to time since boot for the domain's own. */
function timeOffset({ state }: Domain): bigint {
  return DOMAIN.timeOffset.load(state.memory, 0)
}

/** vCPUs as their domains' shared records describe them. */
export class DomainVcpus implements VcpuStates {
  readonly #domains: DomainDirectory

  constructor(domains: DomainDirectory) {
    this.#domains = domains
  }

  runnable(domid: number, vcpu: number): boolean {
    const domain = this.#domains.get(domid)
    if (domain === undefined || !domainRuns(domain)) return false
    if (domain.state.virtualTime) return virtualDomainWantsToRun(domain as GuestDomain)
    return (vcpuFlags(domain, vcpu) & (VCPU_UP | VCPU_BLOCKED | VCPU_ABSENT)) === VCPU_UP
  }

  enter(domid: number, vcpu: number, pcpu: number, now: bigint): void {
    const domain = this.#domains.get(domid)
    if (domain === undefined) return
    VCPU.pcpu.store(domain.state.memory, domain.state.vcpu(vcpu), pcpu)
    this.#change(domain, vcpu, RUNSTATE_running, now + timeOffset(domain))
  }

  leave(domid: number, vcpu: number, now: bigint): void {
    const domain = this.#domains.get(domid)
    if (domain === undefined) return
    VCPU.pcpu.store(domain.state.memory, domain.state.vcpu(vcpu), -1)
    this.#change(domain, vcpu, this.#restState(domain, vcpu), now + timeOffset(domain))
  }

  queue(domid: number, vcpu: number, now: bigint): void {
    const domain = this.#domains.get(domid)
    if (domain === undefined) return
    const base = domain.state.vcpu(vcpu)
    if (VCPU.runstate.load(domain.state.memory, base) === RUNSTATE_runnable) return
    this.#change(domain, vcpu, RUNSTATE_runnable, now + timeOffset(domain))
  }

  /** Under a virtual clock the runstates are in its time, and not the host's affair. */
  #change(domain: Domain, vcpu: number, state: number, now: bigint): void {
    if (!domain.state.virtualTime) changeRunstate(domain, vcpu, state, now)
  }

  #restState(domain: Domain, vcpu: number): number {
    const flags = vcpuFlags(domain, vcpu)
    if (flags & VCPU_BLOCKED) return RUNSTATE_blocked
    return flags & VCPU_UP && domainRuns(domain) ? RUNSTATE_runnable : RUNSTATE_offline
  }
}

/** Their timers, which run while the domain is not shut down and the vCPU is up. Those of virtual time are not kept here. */
export class DomainTimers implements VcpuTimers {
  readonly #domains: DomainDirectory
  readonly #events: EventChannels
  readonly #clock: Clock

  constructor(domains: DomainDirectory, events: EventChannels, clock: Clock) {
    this.#domains = domains
    this.#events = events
    this.#clock = clock
  }

  next(domid: number, vcpu: number): bigint {
    const domain = this.#ticking(domid, vcpu)
    if (domain === undefined) return NO_DEADLINE
    const due = nextDeadline(domain, vcpu)
    if (due === NEVER) return NO_DEADLINE
    const sinceBoot = due - timeOffset(domain)
    return sinceBoot < 0n ? 0n : sinceBoot
  }

  expire(domid: number, vcpu: number, sched: SchedulerPort): void {
    const domain = this.#ticking(domid, vcpu)
    if (domain === undefined) return
    expireTimers(domain, vcpu, guestTime(domain, this.#clock), { events: this.#events, sched })
  }

  #ticking(domid: number, vcpu: number): GuestDomain | undefined {
    const domain = this.#domains.get(domid)
    if (domain?.memory === undefined || domain.state.virtualTime || !domainRuns(domain)) return undefined
    if (!(vcpuFlags(domain, vcpu) & VCPU_UP)) return undefined
    return domain as GuestDomain
  }
}
