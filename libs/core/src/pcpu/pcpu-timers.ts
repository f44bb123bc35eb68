import { NO_DEADLINE } from '../plugin/scheduler.ts'
import type { PcpuState } from './pcpu-state.ts'
import type { VcpuTimers } from './vcpu-ports.ts'
import type { VcpuScheduler } from './vcpu-scheduler.ts'

/** When something is due that never is. */
export const NEVER: number = Number.POSITIVE_INFINITY

/** @param at ns since boot, or NO_DEADLINE */
export function deadline(at: bigint): number {
  return at === NO_DEADLINE ? NEVER : Number(at)
}

/**
 * When the timers of one pCPU are due, as its thread last read it: a look at them is a look at one number for each vCPU,
 * and not a visit to every domain's records.
 *
 * What is kept may be too early, never too late. A deadline becomes earlier by `SchedulerPort.timersChanged`, which wakes
 * another's pCPU (`readAll`) and is told to its own (`readMoved`); by what the vCPU does while it runs, and by its
 * being put on a pCPU (`read`).
 */
export class PcpuTimers {
  readonly #pcpu: number
  readonly #state: PcpuState
  readonly #timers: VcpuTimers
  readonly #scheduler: VcpuScheduler
  /** Side by side: a unit, and when its next timer is due. */
  readonly #units: number[] = []
  readonly #due: number[] = []

  constructor(pcpu: number, timers: VcpuTimers, scheduler: VcpuScheduler) {
    this.#pcpu = pcpu
    this.#state = scheduler.pcpus
    this.#timers = timers
    this.#scheduler = scheduler
  }

  /** Another thread may have moved any. */
  readAll(): void {
    this.#units.length = 0
    this.#due.length = 0
    for (const unit of this.#state.timerUnits(this.#pcpu)) this.read(unit)
  }

  /**
   * This thread moved those of some units.
   * @returns when the first of these is due, ns since boot
   */
  readMoved(): number {
    let first = NEVER
    for (let unit = this.#scheduler.takeMoved(); unit !== undefined; unit = this.#scheduler.takeMoved())
      first = Math.min(first, this.read(unit))
    return first
  }

  /**
   * Those of `unit` may have moved, or be due here from now on.
   * @returns when the next is due, ns since boot
   */
  read(unit: number): number {
    const known = this.#units.indexOf(unit)
    const place = known < 0 ? this.#units.push(unit) - 1 : known
    const due = this.#next(unit)
    this.#due[place] = due
    return due
  }

  /** Before a turn of `unit`, whose timers may have been another pCPU's until now; its first turn starts the periodic one. */
  adopt(unit: number): void {
    if (this.#units.includes(unit)) this.read(unit)
    else this.expireOf(unit)
  }

  /** Acts on all of `unit` that are due, and reads them. */
  expireOf(unit: number): void {
    const name = this.#state.nameOf(unit)
    if (name !== undefined) this.#timers.expire(name.domid, name.vcpu, this.#scheduler)
    this.read(unit)
  }

  /**
   * Acts on those that are due.
   * @param now ns since boot
   * @returns when the next is due, ns since boot
   */
  expire(now: number): number {
    let next = NEVER
    for (let place = 0; place < this.#units.length; place++) {
      if (this.#due[place] <= now) this.#expireAt(place, now)
      next = Math.min(next, this.#due[place])
    }
    return next
  }

  #expireAt(place: number, now: number): void {
    const unit = this.#units[place]
    // It was read before the timer was stopped, or before the vCPU went to another pCPU.
    this.#due[place] = this.#next(unit)
    if (this.#due[place] <= now) this.expireOf(unit)
  }

  #next(unit: number): number {
    const name = this.#state.timerPcpu(unit) === this.#pcpu ? this.#state.nameOf(unit) : undefined
    return name === undefined ? NEVER : deadline(this.#timers.next(name.domid, name.vcpu))
  }
}
