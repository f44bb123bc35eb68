import type { SchedulerPort } from '../domain/scheduler-port.ts'
import { type LockOwner, pcpuOwner, type SharedLock } from '../domain/shared-lock.ts'
import { bugOn } from '../errors.ts'
import type { SharedRecord } from '../plugin/pcpu-part.ts'
import { ANY_PCPU, IDLE, type SchedulerOps, type SchedulerParams, type SchedulerPart } from '../plugin/scheduler.ts'
import type { Clock } from '../time/clock.ts'
import type { PcpuState, VcpuName } from './pcpu-state.ts'
import type { VcpuRunner, VcpuStates } from './vcpu-ports.ts'

export interface VcpuSchedulerInit {
  readonly pcpus: PcpuState
  readonly part: SchedulerPart
  /** Where the part's state is. */
  readonly record: SharedRecord
  /** This thread. */
  readonly owner: LockOwner
  readonly clock: Clock
  readonly vcpus: VcpuStates
  readonly engine: Pick<VcpuRunner, 'kick'>
}

/** What a pCPU is to do next. Times are ns since boot. */
export interface Assignment {
  readonly unit: number
  /** When the unit's turn is over; Infinity for {@link IDLE}. */
  readonly until: number
  /** When the scheduler wants its `tick`; {@link NO_DEADLINE} if never. */
  readonly tickAt: bigint
}

/**
 * One thread's way to the scheduler: takes its lock, asks the policy, and tells the pCPUs concerned when the lock is
 * free again. The truth about who may run is in the vCPUs' own words; this only passes on that they changed.
 */
export class VcpuScheduler implements SchedulerPort {
  readonly pcpus: PcpuState
  readonly #ops: SchedulerOps
  readonly #owner: LockOwner
  readonly #lock: SharedLock
  readonly #clock: Clock
  readonly #vcpus: VcpuStates
  readonly #engine: Pick<VcpuRunner, 'kick'>
  /** Asked for by the call under way. */
  readonly #tickled: number[] = []
  /** Of the pCPU this thread is, about the hypercall it is in. */
  #leaving = false
  #yields = false
  readonly #moved: number[] = []

  constructor(init: VcpuSchedulerInit) {
    this.pcpus = init.pcpus
    this.#clock = init.clock
    this.#vcpus = init.vcpus
    this.#engine = init.engine
    this.#owner = init.owner
    this.#lock = init.pcpus.lock(init.owner)
    this.#ops = init.part.create(init.record, init.pcpus.limits, { tickle: (pcpu) => this.#tickle(pcpu) })
  }

  /** A new domain's vCPUs, all asleep: `wake` those that may run. Every worker was sent the domain before. */
  addDomain(domid: number, vcpus: number, affinity: (vcpu: number) => bigint = () => ANY_PCPU): void {
    this.#locked((now) => {
      const slot = this.pcpus.freeSlot()
      bugOn(slot < 0, 'the scheduler has no place for a new domain')
      this.pcpus.takeSlot(slot, domid, vcpus)
      this.#ops.insertDomain(slot)
      for (const [vcpu, unit] of this.pcpus.slotUnits(slot).entries()) {
        this.pcpus.setTimerPcpu(unit, unit % this.pcpus.limits.pcpus)
        this.#ops.insertUnit(unit, slot, affinity(vcpu), now)
      }
    })
  }

  /** Takes a dying domain's vCPUs off their pCPUs for good; resolves when the last has left and the slot is free. */
  async removeDomain(domid: number): Promise<void> {
    const slot = this.pcpus.slotOf(domid)
    if (slot < 0) return
    const units = this.pcpus.slotUnits(slot)
    this.#locked((now) => {
      for (const unit of units) this.#ops.removeUnit(unit, now)
    })
    for (const unit of units) await this.pcpus.letGo(unit)
    this.#locked(() => {
      this.#ops.removeDomain(slot)
      this.pcpus.releaseSlot(slot)
    })
  }

  /** Resolves when no pCPU runs a vCPU of a domain that was stopped; it must not go on meanwhile. */
  async settled(domid: number): Promise<void> {
    const slot = this.pcpus.slotOf(domid)
    if (slot < 0) return
    for (const unit of this.pcpus.slotUnits(slot)) await this.pcpus.letGo(unit)
  }

  /** Of a domain that is scheduled. @returns 0 or -EINVAL */
  adjust(domid: number, params: SchedulerParams): number {
    return this.#locked(() => this.#ops.adjust(this.pcpus.slotOf(domid), params))
  }

  params(domid: number): SchedulerParams {
    return this.#locked(() => this.#ops.params(this.pcpus.slotOf(domid)))
  }

  adjustGlobal(params: SchedulerParams): number {
    return this.#locked(() => this.#ops.adjustGlobal(params))
  }

  globalParams(): SchedulerParams {
    return this.#locked(() => this.#ops.globalParams())
  }

  setAffinity(domid: number, vcpu: number, affinity: bigint): void {
    this.#locked((now) => this.#ops.setAffinity(this.pcpus.unitOf(domid, vcpu), affinity, now))
  }

  wake(domid: number, vcpu: number): void {
    this.#locked((now) => {
      const unit = this.pcpus.unitOf(domid, vcpu)
      if (unit < 0 || !this.#vcpus.runnable(domid, vcpu)) return
      if (this.pcpus.pcpuOf(unit) === IDLE) this.#vcpus.queue(domid, vcpu, now)
      this.#ops.wake(unit, now)
    })
  }

  kick(domid: number, vcpu: number): void {
    this.#engine.kick(domid, vcpu)
    // It may be for a vCPU that another took down, and that still waits in a queue.
    if (!this.#vcpus.runnable(domid, vcpu)) this.#stop(domid, [vcpu])
  }

  yield(_domid: number, _vcpu: number): void {
    this.#yields = true
    this.#leaving = true
  }

  deschedule(_domid: number, _vcpu: number): void {
    this.#leaving = true
  }

  timersChanged(domid: number, vcpu: number): void {
    const unit = this.pcpus.unitOf(domid, vcpu)
    if (unit < 0) return
    const pcpu = this.pcpus.timerPcpu(unit)
    if (pcpuOwner(pcpu) === this.#owner) this.#moved.push(unit)
    else this.poke(pcpu)
  }

  domainStopped(domid: number): void {
    const slot = this.pcpus.slotOf(domid)
    if (slot >= 0) this.#stop(domid, [...this.pcpus.slotUnits(slot).keys()])
  }

  /** Has a pCPU look around: it wakes if it sleeps, and leaves its vCPU if it runs one. */
  poke(pcpu: number): void {
    if (pcpuOwner(pcpu) === this.#owner) {
      // It is awake, and not in the guest.
      this.#leaving = true
      return
    }
    this.pcpus.bumpWake(pcpu)
    const current = this.pcpus.current(pcpu)
    const name = current === IDLE ? undefined : this.pcpus.nameOf(current)
    if (name !== undefined) this.#engine.kick(name.domid, name.vcpu)
  }

  /** Whether the hypercall under way ended the vCPU's turn; for the pCPU this thread is. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** Whether `takeMoved` has an answer. */
  get timersMoved(): boolean {
    return this.#moved.length > 0
  }

  /** A unit whose deadline this thread moved, until all were taken; for the pCPU this thread is. */
  takeMoved(): number | undefined {
    return this.#moved.pop()
  }

  /** What `pcpu`, which is this thread, does next; ends the turn of what it runs. */
  schedule(pcpu: number, yields: boolean): Assignment {
    const gaveUp = yields || this.#yields
    this.#yields = false
    this.#leaving = false
    return this.#locked((now) => {
      const current = this.pcpus.current(pcpu)
      if (current !== IDLE && gaveUp) this.#ops.yield(current)
      let { unit, slice } = this.#ops.doSchedule(pcpu, now, current, this.#runnable(current))
      // One that was taken down while it waited, before anybody could say so.
      while (unit !== IDLE && !this.#runnable(unit)) {
        ;({ unit, slice } = this.#ops.doSchedule(pcpu, now, unit, false))
      }
      this.#hand(pcpu, current, unit, now)
      return { unit, until: Number(now) + slice, tickAt: this.#ops.nextDeadline(pcpu) }
    })
  }

  /** Gives the scheduler its tick. @returns when it wants the next */
  tick(pcpu: number): bigint {
    return this.#locked((now) => {
      this.#ops.tick(pcpu, now)
      return this.#ops.nextDeadline(pcpu)
    })
  }

  /** The vCPU of a unit, and whether it may run on; for the pCPU that runs it. */
  stillRunnable({ domid, vcpu }: VcpuName): boolean {
    return this.#vcpus.runnable(domid, vcpu)
  }

  #runnable(unit: number): boolean {
    const name = unit === IDLE ? undefined : this.pcpus.nameOf(unit)
    return name !== undefined && this.#vcpus.runnable(name.domid, name.vcpu)
  }

  #hand(pcpu: number, from: number, to: number, now: bigint): void {
    if (from === to) return
    const left = from === IDLE ? undefined : this.pcpus.nameOf(from)
    if (left !== undefined) this.#vcpus.leave(left.domid, left.vcpu, now)
    this.pcpus.setCurrent(pcpu, to)
    const entered = to === IDLE ? undefined : this.pcpus.nameOf(to)
    if (entered === undefined) return
    this.pcpus.setTimerPcpu(to, pcpu)
    this.#vcpus.enter(entered.domid, entered.vcpu, pcpu, now)
  }

  #stop(domid: number, vcpus: readonly number[]): void {
    this.#locked((now) => {
      for (const vcpu of vcpus) {
        const unit = this.pcpus.unitOf(domid, vcpu)
        if (unit >= 0 && !this.#vcpus.runnable(domid, vcpu)) this.#ops.sleep(unit, now)
      }
    })
  }

  /** The clock is read with the lock held, so that the scheduler never sees time go back. */
  #locked<T>(body: (now: bigint) => T): T {
    let result: T
    this.#lock.acquire()
    try {
      result = body(this.#clock.now())
    } finally {
      this.#lock.release()
    }
    if (this.#tickled.length > 0) for (const pcpu of this.#tickled.splice(0)) this.poke(pcpu)
    return result
  }

  #tickle(pcpu: number): void {
    if (!this.#tickled.includes(pcpu)) this.#tickled.push(pcpu)
  }
}
