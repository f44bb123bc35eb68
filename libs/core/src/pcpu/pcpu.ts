import { IDLE } from '../plugin/scheduler.ts'
import type { Clock } from '../time/clock.ts'
import { HaltPolling } from './halt-polling.ts'
import type { PcpuState } from './pcpu-state.ts'
import { deadline, NEVER, PcpuTimers } from './pcpu-timers.ts'
import type { VcpuExit, VcpuRunner, VcpuTimers } from './vcpu-ports.ts'
import type { Assignment, VcpuScheduler } from './vcpu-scheduler.ts'

const NS_PER_MS = 1e6
/** For each time that the clock is read. */
const LOOKS = 20

export interface PcpuInit {
  readonly pcpu: number
  readonly scheduler: VcpuScheduler
  readonly timers: VcpuTimers
  readonly runner: VcpuRunner
  readonly clock: Clock
  /** Reads what was posted to this thread and acts on it, if there is anything. */
  readonly readMail: () => void
  /** Of the host. One of them is left to others when pCPUs look for work; by default there is but one. */
  readonly processors?: number
}

/**
 * The loop of a worker thread: runs what the scheduler assigns, expires the timers that are due here, and sleeps when
 * there is nothing to do.
 *
 * No wake-up is lost, because the wake count is read before anything else is looked at: whoever changes something bumps
 * it afterwards, so the pCPU either sees the change or does not fall asleep. What others change is looked at only when the
 * count has moved.
 */
export class Pcpu {
  readonly #init: PcpuInit
  readonly #state: PcpuState
  readonly #timers: PcpuTimers
  readonly #polling = new HaltPolling()
  #stopped = false

  constructor(init: PcpuInit) {
    this.#init = init
    this.#state = init.scheduler.pcpus
    this.#timers = new PcpuTimers(init.pcpu, init.timers, init.scheduler)
  }

  /** Ends `run` when this thread comes round next; called by what `readMail` reads. */
  stop(): void {
    this.#stopped = true
  }

  /** Returns after `stop`. The hypervisor is going down then: what this pCPU last ran stays assigned to it. */
  run(): void {
    const { pcpu, scheduler, readMail } = this.#init
    let yields = false
    let looked: number | undefined
    for (;;) {
      const seen = this.#state.wakeCount(pcpu)
      if (seen !== looked) {
        readMail()
        this.#timers.readAll()
        looked = seen
      }
      if (this.#stopped) return
      this.#timers.readMoved()
      const nextTimer = this.#timers.expire(this.#now())
      const next = scheduler.schedule(pcpu, yields)
      yields = next.unit === IDLE ? this.#idle(next, nextTimer, seen) : this.#turn(next, seen) === 'yield'
    }
  }

  #idle({ tickAt }: Assignment, nextTimer: number, seen: number): false {
    const { pcpu, scheduler } = this.#init
    const until = Math.min(deadline(tickAt), nextTimer)
    const begin = this.#now()
    if (!this.#poll(begin, until, seen)) {
      const ms = until === NEVER ? NEVER : (until - this.#now()) / NS_PER_MS
      if (ms > 0) this.#state.sleep(pcpu, seen, ms)
    }
    this.#polling.note(this.#now() - begin)
    if (deadline(tickAt) <= this.#now()) scheduler.tick(pcpu)
    return false
  }

  /** Looks for a wake-up. @returns whether it came */
  #poll(begin: number, until: number, seen: number): boolean {
    const { pcpu, processors = 1 } = this.#init
    const end = Math.min(begin + this.#polling.window, until)
    if (begin >= end || this.#state.busy() + 1 >= processors) return false
    this.#state.setPolling(true)
    let isWoken = false
    while (!isWoken && this.#now() < end) {
      for (let looks = 0; looks < LOOKS && !isWoken; looks++) isWoken = this.#state.wakeCount(pcpu) !== seen
    }
    this.#state.setPolling(false)
    return isWoken
  }

  #turn(next: Assignment, seen: number): VcpuExit {
    // A domain just made is known here by the mail that came before it was scheduled.
    this.#init.readMail()
    this.#timers.adopt(next.unit)
    const exit = this.#runUnit(next, seen)
    // It may wait with a timeout now.
    this.#timers.read(next.unit)
    return exit
  }

  /** Runs the unit until its turn is over, stopping in between for timers and ticks. */
  #runUnit({ unit, until, tickAt: firstTick }: Assignment, seen: number): VcpuExit {
    const { pcpu, scheduler, runner } = this.#init
    let tickAt = deadline(firstTick)
    const over = (): boolean => scheduler.leaving || this.#state.wakeCount(pcpu) !== seen
    let end = until
    let moved = NEVER
    // Not for a timer that is due after the turn: a guest sets one whenever it is about to sleep.
    const mustLeave = (): boolean => {
      if (scheduler.timersMoved) moved = Math.min(moved, this.#timers.readMoved())
      return moved < end || over()
    }
    const name = this.#state.nameOf(unit)
    if (name === undefined) return 'kicked'
    while (!over() && scheduler.stillRunnable(name)) {
      const now = this.#now()
      if (now >= until) break
      if (tickAt <= now) tickAt = deadline(scheduler.tick(pcpu))
      this.#timers.readMoved()
      moved = NEVER
      end = Math.min(until, tickAt, this.#timers.expire(now))
      if (end <= now) continue
      const exit = runner.run(name.domid, name.vcpu, end - now, mustLeave)
      if (exit === 'blocked' || exit === 'yield') return exit
    }
    return 'kicked'
  }

  #now(): number {
    return Number(this.#init.clock.now())
  }
}
