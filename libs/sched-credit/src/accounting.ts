import { ACTIVE, type CreditState, OVER, PARKED, REMOVED, UNDER, WAITING } from './credit-state.ts'
import { LinkedLists } from './linked-list.ts'
import type { LoadBalance } from './load-balance.ts'
import type { RunQueues } from './run-queue.ts'
import { type Share, shareOut } from './share-out.ts'

/** Longest time handed out at once, in time slices: after a long sleep everybody's credits are full anyway. */
const MAX_PERIODS = 10
/**
 * How far a unit that wants to run may be ahead or behind, in time slices. Xen keeps one; but our pCPUs have hosts, which may run
 * something else in the middle of a slice, and what a unit had too much of then must not be forgotten.
 */
const MOST_SLICES = 10

/**
 * Who has used how much. A unit burns a credit for each ns it runs; each period the credits of all pCPUs are handed to
 * the active units by the weight of their domains. Units in the red are OVER; a capped one too far in the red is parked.
 */
export class Accounting {
  readonly #state: CreditState
  readonly #queues: RunQueues
  readonly #balance: LoadBalance
  readonly #active: LinkedLists
  readonly #tickle: (pcpu: number) => void

  constructor(state: CreditState, queues: RunQueues, balance: LoadBalance, tickle: (pcpu: number) => void) {
    this.#state = state
    this.#queues = queues
    this.#balance = balance
    this.#tickle = tickle
    const { activeHead: head, activeTail: tail, activeNext: next, activePrev: prev } = state
    this.#active = new LinkedLists({ head, tail, next, prev })
  }

  /** Charges what runs on `pcpu` up to now. */
  burn(pcpu: number, now: bigint): void {
    const unit = this.#state.running.get(pcpu)
    if (unit < 0 || this.#state.has(unit, REMOVED)) return
    const credit = this.#state.credit.get(unit) - (now - this.#state.burntTo.get(pcpu))
    this.#state.credit.set(unit, credit)
    this.#state.burntTo.set(pcpu, now)
    if (credit < 0n && !this.#state.has(unit, ACTIVE)) this.#activate(unit)
  }

  /** Hands out the credits of the time since the last accounting. */
  account(now: bigint, tslice: number): void {
    const state = this.#state
    for (let pcpu = 0; pcpu < state.limits.pcpus; pcpu++) this.burn(pcpu, now)
    const elapsed = Math.min(Number(now - state.acctDone.get(0)), MAX_PERIODS * tslice)
    state.acctDone.set(0, now)
    const units = this.#activeUnits()
    if (units.length === 0) {
      state.deficit.set(0, 0n)
      return
    }
    const deficit = Number(state.deficit.get(0))
    const perUnit = shareOut(this.#claims(units, elapsed, deficit), elapsed * state.limits.pcpus + deficit)
    for (const unit of units) this.#credit(unit, perUnit.get(state.domain.get(unit)) ?? 0, tslice)
    // Some had more than they could keep, or use: it is handed out again next time.
    const balance = units.reduce((sum, unit) => sum + state.credit.get(unit), 0n)
    state.deficit.set(0, balance < 0n ? -balance : 0n)
  }

  /** No longer part of accounting. */
  deactivate(unit: number): void {
    if (!this.#state.has(unit, ACTIVE)) return
    this.#state.unmark(unit, ACTIVE)
    this.#active.remove(0, unit)
    this.#state.activeUnits.add(this.#state.domain.get(unit), -1)
  }

  #activate(unit: number): void {
    this.#state.mark(unit, ACTIVE)
    this.#active.append(0, unit)
    this.#state.activeUnits.add(this.#state.domain.get(unit), 1)
  }

  #activeUnits(): number[] {
    const units: number[] = []
    for (let unit = this.#active.first(0); unit >= 0; unit = this.#active.after(unit)) units.push(unit)
    return units
  }

  #claims(units: readonly number[], elapsed: number, deficit: number): Share[] {
    const { domain, weight, cap, activeUnits } = this.#state
    return [...new Set(units.map((unit) => domain.get(unit)))].map((slot) => {
      const count = activeUnits.get(slot)
      const limit = cap.get(slot)
      const most = count * elapsed + deficit
      return {
        domain: slot,
        units: count,
        weight: weight.get(slot) * count,
        most: limit === 0 ? most : Math.min(most, (limit * elapsed) / 100),
      }
    })
  }

  #credit(unit: number, earned: number, tslice: number): void {
    const state = this.#state
    const slot = state.domain.get(unit)
    const limit = state.cap.get(slot)
    const credit = Number(state.credit.get(unit)) + earned
    const wants = state.runsOn.get(unit) >= 0 || this.#queues.holds(unit) || state.has(unit, WAITING)
    if (credit < 0) {
      this.#queues.setPriority(unit, OVER)
      const allowance = (limit * tslice) / 100 / state.activeUnits.get(slot)
      if (limit !== 0 && credit < -allowance) this.#park(unit)
      else if (limit === 0) this.#release(unit)
      state.credit.set(unit, BigInt(Math.max(credit, -MOST_SLICES * tslice)))
      return
    }
    // A boost lasts until its unit has run: it may be waiting this very moment.
    if (state.priority.get(unit) === OVER) this.#queues.setPriority(unit, UNDER)
    this.#release(unit)
    if (credit > tslice && !wants) this.deactivate(unit)
    // A sleeper keeps half, so that it starts a little ahead when it comes back.
    state.credit.set(
      unit,
      BigInt(credit <= tslice ? credit : wants ? Math.min(credit, MOST_SLICES * tslice) : Math.floor(tslice / 2)),
    )
  }

  #park(unit: number): void {
    const state = this.#state
    if (state.has(unit, PARKED)) return
    state.mark(unit, PARKED)
    if (this.#queues.holds(unit)) {
      this.#queues.remove(unit)
      state.mark(unit, WAITING)
    }
    const pcpu = state.runsOn.get(unit)
    if (pcpu >= 0) this.#tickle(pcpu)
  }

  #release(unit: number): void {
    const state = this.#state
    if (!state.has(unit, PARKED)) return
    const waits = state.has(unit, WAITING)
    state.unmark(unit, PARKED | WAITING)
    if (waits) this.#balance.place(unit)
  }
}
