import { RUNSTATE_blocked, RUNSTATE_offline, RUNSTATE_runnable, RUNSTATE_running } from '../abi/vcpu.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { DOMAIN, NEVER, VCPU, VCPU_BLOCKED, VCPU_UP } from '../domain/domain-state.ts'
import { domainRuns } from '../domain/lifecycle.ts'
import { changeRunstate } from '../domain/runstate.ts'
import type { EventChannels } from '../event-channel/event-channels.ts'
import type { VirtualOrder } from '../event-channel/virtual-order.ts'
import type { EngineDomain, EnginePcpu } from '../plugin/cpu-engine.ts'
import type { Clock } from '../time/clock.ts'
import { expireTimers, nextDeadline } from '../time/timers.ts'
import type { VirtualClock } from '../time/virtual-clock.ts'
import type { VcpuExit } from './vcpu-ports.ts'
import type { VcpuScheduler } from './vcpu-scheduler.ts'

/** Retired instructions between two moments at which something may come in from outside: some milliseconds. */
export const ORDER_INTERVAL = 1_000_000n
/** Retired instructions of a vCPU's turn, where a domain has several that want to run: 10 ms of its time. */
const TURN = 10_000_000n

export interface VirtualDomainRunnerInit {
  readonly engine: Pick<EnginePcpu, 'runExactly' | 'stateHash'>
  readonly order: VirtualOrder
  readonly events: EventChannels
  readonly scheduler: VcpuScheduler
  /** The host's, for slices. */
  readonly clock: Clock
  readonly clockOf: (domain: EngineDomain) => VirtualClock
  /** A state hash that DOMAIN.hashEvery asks for. */
  readonly hashed: (domid: number, retired: bigint, hash: bigint) => void
}

/**
 * Runs a domain whose time is virtual. It is one unit of the scheduler, under the name of its vCPU 0; its vCPUs take turns
 * in here, by counts of instructions. All choices depend on the domain's own state: where the host ends a slice, and on
 * which pCPU the next one is run, changes nothing that the guest can see.
 */
export class VirtualDomainRunner {
  readonly #init: VirtualDomainRunnerInit

  constructor(init: VirtualDomainRunnerInit) {
    this.#init = init
  }

  /** See `VcpuRunner.run`. */
  run(domain: EngineDomain, slice: number, mustLeave: () => boolean): VcpuExit {
    const { clock, scheduler } = this.#init
    const end = Number(clock.now()) + slice
    for (;;) {
      if (mustLeave() || !domainRuns(domain)) return 'kicked'
      if (Number(clock.now()) >= end) return 'slice'
      this.#expire(domain)
      const vcpu = this.#takeTurn(domain)
      if (vcpu < 0) {
        if (!this.#sleep(domain)) return 'blocked'
        continue
      }
      this.#advance(domain, vcpu, () => scheduler.leaving || mustLeave())
      // The hypercall that ended the run was a block or a yield of this vCPU: others go first.
      if (scheduler.leaving) DOMAIN.turnEnd.store(domain.state.memory, 0, domain.retired())
    }
  }

  #expire(domain: EngineDomain): void {
    const { events, scheduler: sched, clockOf } = this.#init
    const now = clockOf(domain).now()
    for (let vcpu = 0; vcpu < domain.state.nrVcpus; vcpu++) {
      if (isUp(domain, vcpu)) expireTimers(domain, vcpu, now, { events, sched })
    }
  }

  /** The vCPU to run now, or -1. Runstates follow, in virtual time. */
  #takeTurn(domain: EngineDomain): number {
    const { state } = domain
    const holder = DOMAIN.turn.load(state.memory, 0)
    const isOver = domain.retired() >= DOMAIN.turnEnd.load(state.memory, 0)
    let next = !isOver && mayRun(domain, holder) ? holder : -1
    for (let ahead = 1; next < 0 && ahead <= state.nrVcpus; ahead++) {
      const vcpu = (holder + ahead) % state.nrVcpus
      if (mayRun(domain, vcpu)) next = vcpu
    }
    if (next >= 0 && (next !== holder || isOver)) {
      DOMAIN.turn.store(state.memory, 0, next)
      DOMAIN.turnEnd.store(state.memory, 0, domain.retired() + TURN)
    }
    this.#showRunstates(domain, next)
    return next
  }

  #showRunstates(domain: EngineDomain, running: number): void {
    const now = this.#init.clockOf(domain).now()
    for (let vcpu = 0; vcpu < domain.state.nrVcpus; vcpu++) {
      const wanted = vcpu === running ? RUNSTATE_running : restState(domain, vcpu)
      if (VCPU.runstate.load(domain.state.memory, domain.state.vcpu(vcpu)) !== wanted) {
        changeRunstate(domain, vcpu, wanted, now)
      }
    }
  }

  /** To the next moment at which something else than the vCPU's own instructions may happen. */
  #advance(domain: EngineDomain, vcpu: number, mustLeave: () => boolean): void {
    const { engine, order } = this.#init
    const retired = domain.retired()
    let count = ORDER_INTERVAL - (retired % ORDER_INTERVAL)
    const turnEnd = DOMAIN.turnEnd.load(domain.state.memory, 0)
    if (turnEnd - retired < count) count = turnEnd - retired
    const timer = nextTimerOf(domain)
    if (timer !== NEVER) {
      const left = this.#init.clockOf(domain).instructionsUntil(timer)
      if (left < count) count = left
    }
    if (count <= 0n) return
    // A hypercall may set an earlier timer.
    const over = (): boolean => mustLeave() || nextTimerOf(domain) !== timer
    engine.runExactly(domain.domid, vcpu, Number(count), over)
    if (domain.retired() === retired || domain.retired() % ORDER_INTERVAL !== 0n) return
    order.orderPoint(domain)
    this.#hash(domain)
  }

  /** Every vCPU waits: it is the next deadline at once. False if there is none. */
  #sleep(domain: EngineDomain): boolean {
    if (this.#init.order.orderPoint(domain)) return true
    const timer = nextTimerOf(domain)
    if (timer === NEVER) return false
    this.#init.clockOf(domain).skipTo(timer)
    return true
  }

  #hash(domain: EngineDomain): void {
    const every = DOMAIN.hashEvery.load(domain.state.memory, 0)
    const retired = domain.retired()
    if (every === 0n || retired % every !== 0n) return
    this.#init.hashed(domain.domid, retired, this.#init.engine.stateHash(domain.domid))
  }
}

/** When the next timer of any of its vCPUs is due, in ns of guest time, or NEVER. */
function nextTimerOf(domain: GuestDomain): bigint {
  let next = NEVER
  for (let vcpu = 0; vcpu < domain.state.nrVcpus; vcpu++) {
    if (!isUp(domain, vcpu)) continue
    const due = nextDeadline(domain, vcpu)
    if (due !== NEVER && (next === NEVER || due < next)) next = due
  }
  return next
}

/** Whether the domain's unit has something to do: a vCPU, a timer, or something that came in. */
export function virtualDomainWantsToRun(domain: GuestDomain): boolean {
  const { memory, nrVcpus } = domain.state
  for (let vcpu = 0; vcpu < nrVcpus; vcpu++) if (mayRun(domain, vcpu)) return true
  if (DOMAIN.arrived.load(memory, 0) !== 0 || DOMAIN.outside.load(memory, 0) !== 0) return true
  return nextTimerOf(domain) !== NEVER
}

function flagsOf({ state }: GuestDomain, vcpu: number): number {
  return VCPU.flags.load(state.memory, state.vcpu(vcpu))
}

function isUp(domain: GuestDomain, vcpu: number): boolean {
  return (flagsOf(domain, vcpu) & VCPU_UP) !== 0
}

function mayRun(domain: GuestDomain, vcpu: number): boolean {
  return (flagsOf(domain, vcpu) & (VCPU_UP | VCPU_BLOCKED)) === VCPU_UP
}

function restState(domain: GuestDomain, vcpu: number): number {
  const flags = flagsOf(domain, vcpu)
  if ((flags & VCPU_UP) === 0) return RUNSTATE_offline
  return flags & VCPU_BLOCKED ? RUNSTATE_blocked : RUNSTATE_runnable
}
