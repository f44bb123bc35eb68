import {
  bugOn,
  IDLE,
  NO_DEADLINE,
  NO_SLICE,
  type SchedulerDecision,
  type SchedulerLimits,
  type SchedulerOps,
  type SchedulerParams,
  type SharedRecord,
  type TicklePort,
} from '@paravane/core'
import { EINVAL } from '@paravane/core/abi'
import { Accounting } from './accounting.ts'
import { BOOST, CreditState, NR_PRIORITIES, OVER, PARKED, REMOVED, UNDER, WAITING, YIELDS } from './credit-state.ts'
import { LoadBalance } from './load-balance.ts'
import { DOMAIN_PARAMS, GLOBAL_PARAMS, validParams } from './params.ts'
import { RunQueues } from './run-queue.ts'

/** A boosted unit runs for a third of a slice at most before it is an ordinary one again. */
const BOOST_PART = 3
const IDLE_DECISION: SchedulerDecision = Object.freeze({ unit: IDLE, slice: NO_SLICE })

/** Until `adjustGlobal` says otherwise. */
export interface CreditDefaults {
  readonly tsliceMs: number
  readonly ratelimitUs: number
}

/**
 * Xen's credit scheduler (`xen/common/sched/credit.c` is what it is modelled on): a proportional share of the pCPUs by
 * weight, limited by caps, with one run queue per pCPU and stealing between them.
 *
 * Deviations: credits are burnt by the ns instead of sampled at ticks, credits handed out follow the time that really
 * passed, and there is no periodic tick: a period's accounting is asked for on one pCPU, while anything wants to run.
 */
export class CreditScheduler implements SchedulerOps {
  readonly #state: CreditState
  readonly #queues: RunQueues
  readonly #balance: LoadBalance
  readonly #accounting: Accounting
  readonly #port: TicklePort
  readonly #defaults: CreditDefaults

  constructor(record: SharedRecord, limits: SchedulerLimits, port: TicklePort, defaults: CreditDefaults) {
    this.#state = new CreditState(record, limits)
    this.#queues = new RunQueues(this.#state)
    this.#balance = new LoadBalance(this.#state, this.#queues, port)
    this.#accounting = new Accounting(this.#state, this.#queues, this.#balance, (pcpu) => port.tickle(pcpu))
    this.#port = port
    this.#defaults = defaults
  }

  insertDomain(domain: number): void {
    this.#state.weight.set(domain, DOMAIN_PARAMS.weight.initial)
    this.#state.cap.set(domain, DOMAIN_PARAMS.cap.initial)
    this.#state.activeUnits.set(domain, 0)
  }

  removeDomain(domain: number): void {
    bugOn(this.#state.activeUnits.get(domain) !== 0, 'a domain was removed before its units')
  }

  adjust(domain: number, params: SchedulerParams): number {
    if (!validParams(DOMAIN_PARAMS, params)) return -EINVAL
    const { weight, cap } = params
    if (weight !== undefined) this.#state.weight.set(domain, weight)
    if (cap !== undefined) this.#state.cap.set(domain, cap)
    return 0
  }

  params(domain: number): SchedulerParams {
    return { weight: this.#state.weight.get(domain), cap: this.#state.cap.get(domain) }
  }

  adjustGlobal(params: SchedulerParams): number {
    if (!validParams(GLOBAL_PARAMS, params)) return -EINVAL
    const next = { ...this.#globals(), ...params }
    if (next.ratelimitUs > next.tsliceMs * 1000) return -EINVAL
    this.#state.tsliceMs.set(0, next.tsliceMs)
    this.#state.ratelimitUs.set(0, next.ratelimitUs + 1)
    return 0
  }

  globalParams(): SchedulerParams {
    return { ...this.#globals() }
  }

  insertUnit(unit: number, domain: number, affinity: bigint): void {
    const state = this.#state
    state.domain.set(unit, domain)
    state.flags.set(unit, 0)
    state.priority.set(unit, UNDER)
    state.credit.set(unit, 0n)
    state.affinity.set(unit, BigInt.asIntN(64, affinity))
    state.runsOn.set(unit, -1)
    state.queue.set(unit, -1)
    state.home.set(unit, this.#balance.firstHome(unit))
  }

  removeUnit(unit: number, now: bigint): void {
    this.sleep(unit, now)
    this.#accounting.deactivate(unit)
    if (this.#state.runsOn.get(unit) >= 0) this.#state.mark(unit, REMOVED)
  }

  setAffinity(unit: number, affinity: bigint): void {
    const state = this.#state
    state.affinity.set(unit, BigInt.asIntN(64, affinity))
    const pcpu = state.runsOn.get(unit)
    if (pcpu >= 0) {
      if (!state.allows(unit, pcpu)) this.#port.tickle(pcpu)
    } else if (this.#queues.holds(unit)) {
      this.#queues.remove(unit)
      this.#balance.place(unit)
    }
  }

  wake(unit: number, now: bigint): void {
    const state = this.#state
    if (state.runsOn.get(unit) >= 0 || this.#queues.holds(unit) || state.has(unit, WAITING)) return
    const first = state.wanting.get(0) === 0
    state.wanting.add(0, 1)
    if (first) this.#startAccounting(now)
    if (state.has(unit, PARKED)) {
      state.mark(unit, WAITING)
    } else {
      if (state.priority.get(unit) === UNDER) state.priority.set(unit, BOOST)
      this.#balance.place(unit, first)
    }
    if (first) {
      // Nothing runs: whoever was tickled is idle, and will ask when accounting is due.
      state.master.set(0, state.home.get(unit))
      this.#port.tickle(state.home.get(unit))
    }
  }

  sleep(unit: number, _now: bigint): void {
    const state = this.#state
    const pcpu = state.runsOn.get(unit)
    if (pcpu >= 0) {
      this.#port.tickle(pcpu)
    } else if (this.#queues.holds(unit)) {
      this.#queues.remove(unit)
      this.#fellAsleep(unit)
    } else if (state.has(unit, WAITING)) {
      state.unmark(unit, WAITING)
      this.#fellAsleep(unit)
    }
  }

  yield(unit: number): void {
    this.#state.mark(unit, YIELDS)
  }

  doSchedule(pcpu: number, now: bigint, current: number, runnable: boolean): SchedulerDecision {
    const state = this.#state
    bugOn(state.running.get(pcpu) !== current, 'the scheduler was told of another unit than it had chosen')
    this.#accountIfDue(now)
    const yields = current !== IDLE && state.has(current, YIELDS)
    if (current !== IDLE) {
      state.unmark(current, YIELDS)
      this.#accounting.burn(pcpu, now)
      if (runnable && !yields && this.#mayStay(current, pcpu)) {
        const rest = this.#ratelimit() - Number(now - state.since.get(pcpu))
        if (rest > 0) return { unit: current, slice: rest }
      }
      this.#deschedule(current, pcpu, now, runnable)
    }
    const unit = this.#pick(pcpu, yields ? current : IDLE)
    if (unit !== IDLE) this.#run(unit, pcpu, now, unit === current)
    this.#balance.offer(pcpu)
    return unit === IDLE ? IDLE_DECISION : { unit, slice: this.#slice(unit) }
  }

  tick(_pcpu: number, now: bigint): void {
    this.#accountIfDue(now)
  }

  nextDeadline(pcpu: number): bigint {
    return this.#state.wanting.get(0) > 0 && this.#state.master.get(0) === pcpu
      ? this.#state.acctAt.get(0)
      : NO_DEADLINE
  }

  #globals(): CreditDefaults {
    return { tsliceMs: this.#tslice() / 1_000_000, ratelimitUs: this.#ratelimit() / 1000 }
  }

  /** ns */
  #tslice(): number {
    return (this.#state.tsliceMs.get(0) || this.#defaults.tsliceMs) * 1_000_000
  }

  /** ns */
  #ratelimit(): number {
    const set = this.#state.ratelimitUs.get(0)
    return (set === 0 ? this.#defaults.ratelimitUs : set - 1) * 1000
  }

  #slice(unit: number): number {
    return this.#state.priority.get(unit) === BOOST ? Math.floor(this.#tslice() / BOOST_PART) : this.#tslice()
  }

  #mayStay(unit: number, pcpu: number): boolean {
    return this.#state.allows(unit, pcpu) && !this.#state.has(unit, PARKED)
  }

  /** Takes `unit` off the pCPU, to where it belongs then. */
  #deschedule(unit: number, pcpu: number, now: bigint, runnable: boolean): void {
    const state = this.#state
    const ran = Number(now - state.since.get(pcpu))
    if (state.priority.get(unit) === BOOST && (!runnable || ran >= this.#slice(unit))) state.priority.set(unit, UNDER)
    state.running.set(pcpu, -1)
    state.runsOn.set(unit, -1)
    if (!runnable || state.has(unit, REMOVED)) this.#fellAsleep(unit)
    else if (state.has(unit, PARKED)) state.mark(unit, WAITING)
    else if (state.allows(unit, pcpu)) this.#queues.insert(unit, pcpu)
    else this.#balance.place(unit)
  }

  /** The best that waits here, or better from another pCPU if that is in the red or nothing. */
  #pick(pcpu: number, yielding: number): number {
    const mine = this.#queues.best(pcpu, NR_PRIORITIES - 1, yielding)
    const priority = mine < 0 ? NR_PRIORITIES : this.#state.priority.get(mine)
    const stolen = priority >= OVER ? this.#balance.steal(pcpu, priority - 1) : -1
    if (stolen >= 0) return stolen
    const unit = mine >= 0 ? mine : this.#queues.best(pcpu)
    if (unit >= 0) this.#queues.remove(unit)
    return unit
  }

  #run(unit: number, pcpu: number, now: bigint, goesOn: boolean): void {
    const state = this.#state
    state.running.set(pcpu, unit)
    state.runsOn.set(unit, pcpu)
    state.home.set(unit, pcpu)
    state.burntTo.set(pcpu, now)
    if (!goesOn) state.since.set(pcpu, now)
  }

  #fellAsleep(unit: number): void {
    const state = this.#state
    if (state.priority.get(unit) === BOOST) state.priority.set(unit, UNDER)
    state.wanting.add(0, -1)
  }

  #startAccounting(now: bigint): void {
    const due = this.#state.acctDone.get(0) + BigInt(this.#tslice())
    this.#state.acctAt.set(0, due)
    this.#accountIfDue(now)
  }

  #accountIfDue(now: bigint): void {
    if (this.#state.wanting.get(0) === 0 || now < this.#state.acctAt.get(0)) return
    const tslice = this.#tslice()
    this.#state.acctAt.set(0, now + BigInt(tslice))
    this.#accounting.account(now, tslice)
  }
}
