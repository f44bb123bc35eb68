import { MAX_VCPUS } from '../domain/domain-state.ts'
import { type LockOwner, SharedLock } from '../domain/shared-lock.ts'
import { IDLE, type SchedulerLimits } from '../plugin/scheduler.ts'
import { type SharedI32, type SharedLayout, type SharedMemory, sharedLayout, sharedSize } from '../shared-layout.ts'

type I32s = readonly ['i32', number]
interface PcpuFields {
  readonly [name: string]: I32s
  /** The scheduler's lock: its record, and every word below that is not counted up by others. */
  readonly lock: I32s
  /** Per slot: domid + 1, 0 while free; and how many vCPUs it has. */
  readonly slotDomid: I32s
  readonly slotVcpus: I32s
  /** Per unit: pCPU + 1 that runs it, and pCPU that its timers are due on. */
  readonly unitPcpu: I32s
  readonly timerPcpu: I32s
  /** Per pCPU: counts up, with a notify, when it must look around. */
  readonly wake: I32s
  /** Per pCPU: unit + 1 that it runs. */
  readonly current: I32s
  /** How many pCPUs look for work. */
  readonly polling: I32s
  /** Per pCPU: messages posted to it, and read by it. */
  readonly mailSent: I32s
  readonly mailSeen: I32s
}

function pcpuLayout({ pcpus, domains, units }: SchedulerLimits): SharedLayout<PcpuFields> {
  const i32 = (length: number): I32s => ['i32', length]
  return sharedLayout<PcpuFields>({
    lock: i32(1),
    slotDomid: i32(domains),
    slotVcpus: i32(domains),
    unitPcpu: i32(units),
    timerPcpu: i32(units),
    wake: i32(pcpus),
    current: i32(pcpus),
    polling: i32(1),
    mailSent: i32(pcpus),
    mailSeen: i32(pcpus),
  })
}

/** Limits of a hypervisor for so many pCPUs and domains. */
export function schedulerLimits(pcpus: number, domains: number): SchedulerLimits {
  return { pcpus, domains, units: domains * MAX_VCPUS }
}

/** Bytes that {@link PcpuState} needs, all zero at first. */
export function pcpuStateBytes(limits: SchedulerLimits): number {
  return sharedSize(pcpuLayout(limits))
}

/** A vCPU as hypercalls name it. */
export interface VcpuName {
  readonly domid: number
  readonly vcpu: number
}

/** The pCPUs and what runs on them, as all threads share it. A unit is `slot * MAX_VCPUS + vcpu`. */
export class PcpuState {
  readonly limits: SchedulerLimits
  readonly memory: SharedMemory
  readonly #base: number
  readonly #at: SharedLayout<PcpuFields>

  /** @param base byte offset in `memory` of {@link pcpuStateBytes} bytes */
  constructor(memory: SharedMemory, base: number, limits: SchedulerLimits) {
    this.memory = memory
    this.limits = limits
    this.#base = base
    this.#at = pcpuLayout(limits)
  }

  lock(owner: LockOwner): SharedLock {
    return new SharedLock(this.memory, this.#at.lock, this.#base, owner)
  }

  /** Slot of a domain, or -1. */
  slotOf(domid: number): number {
    for (let slot = 0; slot < this.limits.domains; slot++) {
      if (this.#load(this.#at.slotDomid, slot) === domid + 1) return slot
    }
    return -1
  }

  freeSlot(): number {
    return this.slotOf(-1)
  }

  takeSlot(slot: number, domid: number, vcpus: number): void {
    this.#store(this.#at.slotVcpus, slot, vcpus)
    this.#store(this.#at.slotDomid, slot, domid + 1)
  }

  releaseSlot(slot: number): void {
    this.#store(this.#at.slotDomid, slot, 0)
    this.#store(this.#at.slotVcpus, slot, 0)
  }

  /** Unit of a vCPU, or -1 if its domain is not scheduled. */
  unitOf(domid: number, vcpu: number): number {
    const slot = this.slotOf(domid)
    return slot < 0 || vcpu >= this.#load(this.#at.slotVcpus, slot) ? -1 : slot * MAX_VCPUS + vcpu
  }

  /** The vCPU of a unit; undefined once its slot is free. */
  nameOf(unit: number): VcpuName | undefined {
    const domid = this.#load(this.#at.slotDomid, Math.floor(unit / MAX_VCPUS)) - 1
    return domid < 0 ? undefined : { domid, vcpu: unit % MAX_VCPUS }
  }

  /** Units of one slot. */
  slotUnits(slot: number): number[] {
    return Array.from({ length: this.#load(this.#at.slotVcpus, slot) }, (_, vcpu) => slot * MAX_VCPUS + vcpu)
  }

  /** Units whose timers are due on `pcpu`. */
  timerUnits(pcpu: number): number[] {
    const units: number[] = []
    for (let slot = 0; slot < this.limits.domains; slot++) {
      const first = slot * MAX_VCPUS
      const end = first + this.#load(this.#at.slotVcpus, slot)
      for (let unit = first; unit < end; unit++) if (this.timerPcpu(unit) === pcpu) units.push(unit)
    }
    return units
  }

  timerPcpu(unit: number): number {
    return this.#load(this.#at.timerPcpu, unit)
  }

  setTimerPcpu(unit: number, pcpu: number): void {
    this.#store(this.#at.timerPcpu, unit, pcpu)
  }

  /** Unit that runs on `pcpu`, or {@link IDLE}. */
  current(pcpu: number): number {
    return this.#load(this.#at.current, pcpu) - 1
  }

  /** `pcpu` runs `unit` from now on, or nothing. Whoever waits for the one before to be let go is told. */
  setCurrent(pcpu: number, unit: number): void {
    const before = this.current(pcpu)
    if (before === unit) return
    this.#store(this.#at.current, pcpu, unit + 1)
    if (unit !== IDLE) this.#store(this.#at.unitPcpu, unit, pcpu + 1)
    if (before === IDLE) return
    this.#store(this.#at.unitPcpu, before, 0)
    Atomics.notify(this.memory.i32, this.#at.unitPcpu.index(this.#base, before))
  }

  /** pCPU that runs the unit, or {@link IDLE}. */
  pcpuOf(unit: number): number {
    return this.#load(this.#at.unitPcpu, unit) - 1
  }

  /** Resolves when no pCPU runs the unit; it must not be started again meanwhile. */
  async letGo(unit: number): Promise<void> {
    const index = this.#at.unitPcpu.index(this.#base, unit)
    for (let seen = Atomics.load(this.memory.i32, index); seen !== 0; seen = Atomics.load(this.memory.i32, index)) {
      await Atomics.waitAsync(this.memory.i32, index, seen).value
    }
  }

  /** pCPUs that run something, or look for it. */
  busy(): number {
    let busy = this.#load(this.#at.polling, 0)
    for (let pcpu = 0; pcpu < this.limits.pcpus; pcpu++) if (this.current(pcpu) !== IDLE) busy++
    return busy
  }

  /** A pCPU looks for work from now on, or no more. */
  setPolling(isPolling: boolean): void {
    this.#at.polling.add(this.memory, this.#base, isPolling ? 1 : -1)
  }

  wakeCount(pcpu: number): number {
    return this.#load(this.#at.wake, pcpu)
  }

  /** Ends a sleep of the pCPU, or keeps it from beginning one. */
  bumpWake(pcpu: number): void {
    this.#at.wake.add(this.memory, this.#base, 1, pcpu)
    Atomics.notify(this.memory.i32, this.#at.wake.index(this.#base, pcpu))
  }

  /** Sleeps until the wake count is no longer `seen`; at most so many ms. */
  sleep(pcpu: number, seen: number, ms: number): void {
    Atomics.wait(this.memory.i32, this.#at.wake.index(this.#base, pcpu), seen, ms)
  }

  mailSent(pcpu: number): number {
    return this.#load(this.#at.mailSent, pcpu)
  }

  /** Counts a message that was just posted. Answers its number. */
  countMail(pcpu: number): number {
    return (this.#at.mailSent.add(this.memory, this.#base, 1, pcpu) + 1) | 0
  }

  mailSeen(pcpu: number): number {
    return this.#load(this.#at.mailSeen, pcpu)
  }

  setMailSeen(pcpu: number, seen: number): void {
    this.#store(this.#at.mailSeen, pcpu, seen)
    Atomics.notify(this.memory.i32, this.#at.mailSeen.index(this.#base, pcpu))
  }

  /** Resolves when the pCPU has read message `number` and acted on it. */
  async mailRead(pcpu: number, number: number): Promise<void> {
    const index = this.#at.mailSeen.index(this.#base, pcpu)
    for (;;) {
      const seen = Atomics.load(this.memory.i32, index)
      // The counts wrap around.
      if (((seen - number) | 0) >= 0) return
      await Atomics.waitAsync(this.memory.i32, index, seen).value
    }
  }

  #load(field: SharedI32, element: number): number {
    return field.load(this.memory, this.#base, element)
  }

  #store(field: SharedI32, element: number, value: number): void {
    field.store(this.memory, this.#base, value, element)
  }
}
