import type { SharedRecord } from '../../src/plugin/pcpu-part.ts'
import type { SchedulerDecision, SchedulerLimits, SchedulerOps, TicklePort } from '../../src/plugin/scheduler.ts'
import { type SharedI32, type SharedI64, type SharedLayout, sharedLayout } from '../../src/shared-layout.ts'

/** What to do wrong, one thing at a time. */
export type Fault =
  | 'none'
  | 'keeps state in the heap'
  | 'forgets to tickle'
  | 'ignores affinity'
  | 'lets a unit stay where it may not be'
  | 'leaves what runs in the queue'
  | 'wants ticks when idle'
  | 'queues what was removed'
  | 'ignores that it is no longer runnable'
  | 'takes any parameter'

interface Fields {
  readonly [name: string]: readonly ['i32' | 'i64', number]
  readonly turn: readonly ['i32', number]
  /** Per unit: place in the queue, 0 for none; pCPU + 1 it runs on; 1 once removed. */
  readonly place: readonly ['i32', number]
  readonly runsOn: readonly ['i32', number]
  readonly removed: readonly ['i32', number]
  readonly affinity: readonly ['i64', number]
  readonly running: readonly ['i32', number]
}

export function roundRobinLayout({ pcpus, units }: SchedulerLimits): SharedLayout<Fields> {
  return sharedLayout<Fields>({
    turn: ['i32', 1],
    place: ['i32', units],
    runsOn: ['i32', units],
    removed: ['i32', units],
    affinity: ['i64', units],
    running: ['i32', pcpus],
  })
}

const SLICE = 5_000_000

/** The least a scheduler must be: one queue for all, each unit 5 ms in turn. */
export class RoundRobin implements SchedulerOps {
  readonly #record: SharedRecord
  readonly #limits: SchedulerLimits
  readonly #port: TicklePort
  readonly #fault: Fault
  readonly #at: SharedLayout<Fields>
  #ownTurn = 0

  constructor(record: SharedRecord, limits: SchedulerLimits, port: TicklePort, fault: Fault) {
    this.#record = record
    this.#limits = limits
    this.#port = port
    this.#fault = fault
    this.#at = roundRobinLayout(limits)
  }

  insertDomain(): void {}
  removeDomain(): void {}
  params(): Record<string, number> {
    return {}
  }
  globalParams(): Record<string, number> {
    return {}
  }
  adjust(_domain: number, params: Record<string, number>): number {
    return Object.keys(params).length === 0 || this.#fault === 'takes any parameter' ? 0 : -22
  }
  adjustGlobal(params: Record<string, number>): number {
    return this.adjust(0, params)
  }
  yield(): void {}
  tick(): void {}
  nextDeadline(pcpu: number): bigint {
    return this.#fault === 'wants ticks when idle' && this.#get(this.#at.running, pcpu) === 0 ? 950_000_000n : -1n
  }

  insertUnit(unit: number, _domain: number, affinity: bigint): void {
    for (const field of [this.#at.place, this.#at.runsOn, this.#at.removed]) this.#set(field as SharedI32, unit, 0)
    this.#setAffinity(unit, affinity)
  }

  removeUnit(unit: number): void {
    this.sleep(unit)
    this.#set(this.#at.removed, unit, 1)
  }

  setAffinity(unit: number, affinity: bigint): void {
    this.#setAffinity(unit, affinity)
    const pcpu = this.#get(this.#at.runsOn, unit) - 1
    const mayStay = this.#allows(unit, pcpu) || this.#fault === 'lets a unit stay where it may not be'
    if (pcpu >= 0 && !mayStay) this.#port.tickle(pcpu)
    if (this.#get(this.#at.place, unit) !== 0) this.#tickleFor(unit)
  }

  wake(unit: number): void {
    if (this.#get(this.#at.place, unit) !== 0 || this.#get(this.#at.runsOn, unit) !== 0) return
    this.#enqueue(unit)
    if (this.#fault !== 'forgets to tickle') this.#tickleFor(unit)
  }

  sleep(unit: number): void {
    this.#set(this.#at.place, unit, 0)
    const pcpu = this.#get(this.#at.runsOn, unit) - 1
    if (pcpu >= 0) this.#port.tickle(pcpu)
  }

  doSchedule(pcpu: number, _now: bigint, current: number, runnable: boolean): SchedulerDecision {
    if (current >= 0) {
      this.#set(this.#at.runsOn, current, 0)
      const removed = this.#get(this.#at.removed, current) === 1
      const wrong = removed ? 'queues what was removed' : 'ignores that it is no longer runnable'
      if (runnable || this.#fault === wrong) this.#enqueue(current)
    }
    this.#set(this.#at.running, pcpu, 0)
    const unit = this.#first(pcpu)
    if (unit >= 0) {
      if (this.#fault !== 'leaves what runs in the queue') this.#set(this.#at.place, unit, 0)
      this.#set(this.#at.runsOn, unit, pcpu + 1)
      this.#set(this.#at.running, pcpu, unit + 1)
    }
    for (const waiting of this.#waiting()) this.#tickleFor(waiting)
    return { unit, slice: unit < 0 ? Number.POSITIVE_INFINITY : SLICE }
  }

  #waiting(): number[] {
    const place = (unit: number): number => this.#get(this.#at.place, unit)
    const units = Array.from({ length: this.#limits.units }, (_, unit) => unit)
    return units.filter((unit) => place(unit) !== 0).sort((a, b) => place(a) - place(b))
  }

  #first(pcpu: number): number {
    return this.#waiting().find((unit) => this.#fault === 'ignores affinity' || this.#allows(unit, pcpu)) ?? -1
  }

  #tickleFor(unit: number): void {
    for (let pcpu = 0; pcpu < this.#limits.pcpus; pcpu++) {
      if (this.#get(this.#at.running, pcpu) === 0 && this.#allows(unit, pcpu)) this.#port.tickle(pcpu)
    }
  }

  #enqueue(unit: number): void {
    const own = this.#fault === 'keeps state in the heap'
    const turn = own ? ++this.#ownTurn : this.#get(this.#at.turn, 0) + 1
    if (!own) this.#set(this.#at.turn, 0, turn)
    this.#set(this.#at.place, unit, turn)
  }

  #allows(unit: number, pcpu: number): boolean {
    return (
      ((this.#wide(this.#at.affinity).load(this.#record.memory, this.#record.base, unit) >> BigInt(pcpu)) & 1n) === 1n
    )
  }

  #setAffinity(unit: number, mask: bigint): void {
    this.#wide(this.#at.affinity).store(this.#record.memory, this.#record.base, BigInt.asIntN(64, mask), unit)
  }

  #wide(field: unknown): SharedI64 {
    return field as SharedI64
  }

  #get(field: unknown, i: number): number {
    return (field as SharedI32).load(this.#record.memory, this.#record.base, i)
  }

  #set(field: unknown, i: number, value: number): void {
    ;(field as SharedI32).store(this.#record.memory, this.#record.base, value, i)
  }
}
