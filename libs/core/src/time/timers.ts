import { SHUTDOWN_watchdog } from '../abi/sched.ts'
import { VIRQ_TIMER } from '../abi/xen.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { DOMAIN, NEVER, VCPU, VCPU_BLOCKED, VCPU_UP } from '../domain/domain-state.ts'
import { shutdownDomain } from '../domain/lifecycle.ts'
import type { SchedulerPort } from '../domain/scheduler-port.ts'
import { unblockVcpu } from '../domain/vcpu-run.ts'
import type { EventChannels } from '../event-channel/event-channels.ts'

/** What timers act on. */
export interface TimerPorts {
  readonly events: EventChannels
  readonly sched: SchedulerPort
}

/** A period that is off. */
export const NO_PERIOD = 0n

/**
 * When a timer, poll or watchdog of the vCPU is due next, in ns of guest time; {@link NEVER} if nothing is. A blocked vCPU
 * is not woken by its periodic timer, as in Xen; watchdogs count with vCPU 0.
 */
export function nextDeadline(domain: GuestDomain, vcpu: number): bigint {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const flags = VCPU.flags.load(memory, base)
  let next = VCPU.singleshot.load(memory, base)
  if (flags & VCPU_BLOCKED) next = earlier(next, VCPU.pollTimeout.load(memory, base))
  else next = earlier(next, VCPU.periodicNext.load(memory, base))
  if (vcpu !== 0) return next
  for (let i = 0; i < DOMAIN.watchdogs.length; i++) next = earlier(next, DOMAIN.watchdogs.load(memory, 0, i))
  return next
}

function earlier(a: bigint, b: bigint): bigint {
  if (a === NEVER) return b
  return b === NEVER || a < b ? a : b
}

/**
 * Does everything of the vCPU that is due: raises VIRQ_TIMER, ends a poll, shuts the domain down for a watchdog. Called
 * by the pCPU that owns its timers: when the deadline passes and each time the vCPU is put on a pCPU.
 * @param now ns of guest time
 */
export function expireTimers(domain: GuestDomain, vcpu: number, now: bigint, ports: TimerPorts): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const flags = VCPU.flags.load(memory, base)
  if (flags & VCPU_UP && !(flags & VCPU_BLOCKED)) expirePeriodic(domain, vcpu, now, ports)
  const singleshot = VCPU.singleshot.load(memory, base)
  if (singleshot !== NEVER && singleshot <= now) {
    VCPU.singleshot.store(memory, base, NEVER)
    ports.events.raiseVirq(domain, vcpu, VIRQ_TIMER)
  }
  const poll = VCPU.pollTimeout.load(memory, base)
  if (poll !== NEVER && poll <= now) unblockVcpu(domain, vcpu, ports.sched)
  if (vcpu !== 0) return
  for (let i = 0; i < DOMAIN.watchdogs.length; i++) {
    const watchdog = DOMAIN.watchdogs.load(memory, 0, i)
    if (watchdog === NEVER || watchdog > now) continue
    DOMAIN.watchdogs.store(memory, 0, NEVER, i)
    shutdownDomain(domain, SHUTDOWN_watchdog, ports)
  }
}

/** Ticks that were missed are not made up for. The first is a period after the vCPU first runs. */
function expirePeriodic(domain: GuestDomain, vcpu: number, now: bigint, { events }: TimerPorts): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const period = VCPU.periodicPeriod.load(memory, base)
  if (period === NO_PERIOD) return
  const due = VCPU.periodicNext.load(memory, base)
  if (due !== NEVER && due > now) return
  VCPU.periodicNext.store(memory, base, due === NEVER ? now + period : due + ((now - due) / period + 1n) * period)
  if (due !== NEVER) events.raiseVirq(domain, vcpu, VIRQ_TIMER)
}

/** Sets or stops ({@link NO_PERIOD}) the periodic timer. */
export function setPeriodic(domain: GuestDomain, vcpu: number, period: bigint, now: bigint): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  VCPU.periodicPeriod.store(memory, base, period)
  VCPU.periodicNext.store(memory, base, period === NO_PERIOD ? NEVER : now + period)
}

/** Sets the one-shot timer; a deadline that is past raises VIRQ_TIMER now. {@link NEVER} stops it. */
export function setSingleshot(
  domain: GuestDomain,
  vcpu: number,
  deadline: bigint,
  now: bigint,
  events: EventChannels,
): void {
  const { memory } = domain.state
  const base = domain.state.vcpu(vcpu)
  const past = deadline !== NEVER && deadline <= now
  VCPU.singleshot.store(memory, base, past ? NEVER : deadline)
  if (past) events.raiseVirq(domain, vcpu, VIRQ_TIMER)
}
