import { IDLE, NO_DEADLINE } from '../plugin/scheduler.ts'
import type { Clock } from '../time/clock.ts'
import type { PcpuState, VcpuName } from './pcpu-state.ts'
import type { VcpuExit, VcpuRunner, VcpuTimers } from './vcpu-ports.ts'
import type { Assignment, VcpuScheduler } from './vcpu-scheduler.ts'

const NS_PER_MS = 1e6
const NEVER = Number.POSITIVE_INFINITY

export interface PcpuInit {
  readonly pcpu: number
  readonly scheduler: VcpuScheduler
  readonly timers: VcpuTimers
  readonly runner: VcpuRunner
  readonly clock: Clock
  /** Reads what was posted to this thread and acts on it, if there is anything. */
  readonly readMail: () => void
}

/**
 * The loop of a worker thread: runs what the scheduler assigns, expires the timers that are due here, and sleeps when
 * there is nothing to do.
 *
 * No wake-up is lost, because the wake count is read before anything else is looked at: whoever changes something bumps
 * it afterwards, so the pCPU either sees the change or does not fall asleep.
 */
export class Pcpu {
  readonly #init: PcpuInit
  readonly #state: PcpuState
  #stopped = false

  constructor(init: PcpuInit) {
    this.#init = init
    this.#state = init.scheduler.pcpus
  }

  /** Ends `run` when this thread comes round next; called by what `readMail` reads. */
  stop(): void {
    this.#stopped = true
  }

  /** Returns after `stop`. The hypervisor is going down then: what this pCPU last ran stays assigned to it. */
  run(): void {
    const { pcpu, scheduler, readMail } = this.#init
    let yields = false
    for (;;) {
      const seen = this.#state.wakeCount(pcpu)
      readMail()
      if (this.#stopped) return
      scheduler.seeTimers()
      const nextTimer = this.#expireTimers()
      const next = scheduler.schedule(pcpu, yields)
      yields = next.unit === IDLE ? this.#idle(next, nextTimer, seen) : this.#turn(next, nextTimer, seen) === 'yield'
    }
  }

  #idle({ tickAt }: Assignment, nextTimer: number, seen: number): false {
    const { pcpu, scheduler } = this.#init
    const until = Math.min(deadline(tickAt), nextTimer)
    const ms = until === NEVER ? NEVER : (until - this.#now()) / NS_PER_MS
    if (ms > 0) this.#state.sleep(pcpu, seen, ms)
    if (deadline(tickAt) <= this.#now()) scheduler.tick(pcpu)
    return false
  }

  /** Runs the unit until its turn is over, stopping in between for timers and ticks. */
  #turn({ unit, until, tickAt: firstTick }: Assignment, firstTimer: number, seen: number): VcpuExit {
    const { pcpu, scheduler, timers, runner, readMail } = this.#init
    let tickAt = firstTick
    const over = (): boolean => scheduler.leaving || this.#state.wakeCount(pcpu) !== seen
    const mustLeave = (): boolean => over() || scheduler.timersMoved
    // A domain just made is known here by the mail that came before it was scheduled.
    readMail()
    const name = this.#state.nameOf(unit)
    if (name === undefined) return 'kicked'
    // Starts its periodic timer, if this is its first turn. Its timers may have been another pCPU's until now.
    timers.expire(name.domid, name.vcpu, scheduler)
    let nextTimer = Math.min(firstTimer, this.#nextTimer(name))
    while (!over() && scheduler.stillRunnable(name)) {
      const now = this.#now()
      if (now >= until) break
      const end = Math.min(until, deadline(tickAt), nextTimer)
      if (end > now) {
        const exit = runner.run(name.domid, name.vcpu, end - now, mustLeave)
        if (exit === 'blocked' || exit === 'yield') return exit
      }
      if (deadline(tickAt) <= this.#now()) tickAt = scheduler.tick(pcpu)
      scheduler.seeTimers()
      nextTimer = this.#expireTimers()
    }
    return 'kicked'
  }

  /** Acts on the timers that are due here. @returns when the next is, ns since boot */
  #expireTimers(): number {
    const { pcpu, scheduler, timers } = this.#init
    const now = this.#now()
    let next = NEVER
    for (const unit of this.#state.timerUnits(pcpu)) {
      const name = this.#state.nameOf(unit)
      if (name === undefined) continue
      let due = this.#nextTimer(name)
      if (due <= now) {
        timers.expire(name.domid, name.vcpu, scheduler)
        due = this.#nextTimer(name)
      }
      next = Math.min(next, due)
    }
    return next
  }

  #nextTimer({ domid, vcpu }: VcpuName): number {
    return deadline(this.#init.timers.next(domid, vcpu))
  }

  #now(): number {
    return Number(this.#init.clock.now())
  }
}

function deadline(at: bigint): number {
  return at === NO_DEADLINE ? NEVER : Number(at)
}
