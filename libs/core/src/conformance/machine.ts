import {
  ANY_PCPU,
  IDLE,
  NO_DEADLINE,
  type SchedulerLimits,
  type SchedulerParams,
  type SchedulerPart,
} from '../plugin/scheduler.ts'
import { RecordedScheduler, type SchedulerCall } from './recorded-scheduler.ts'
import { check } from './suite-case.ts'
import type { Workload } from './workload.ts'

const NEVER = Number.POSITIVE_INFINITY

interface SimPcpu {
  current: number
  /** When the present run must end; Infinity for none. */
  sliceEnd: number
  deadline: number
  tickled: boolean
}

interface SimUnit {
  readonly domain: number
  readonly workload: Workload
  affinity: bigint
  runnable: boolean
  /** Paused by the toolstack, whatever its workload wants. */
  paused: boolean
  removed: boolean
  /** ns it still wants to run, and then to sleep. */
  left: number
  sleep: number
  wakeAt: number
  used: number
  pcpu: number
  since: number
}

const allowed = ({ affinity }: SimUnit, pcpu: number): boolean => ((affinity >> BigInt(pcpu)) & 1n) === 1n

/**
 * pCPUs, units and a clock that exist only in here, driven exactly as core drives a scheduler, with the contract of
 * `SchedulerOps` checked after every step. Times are ns.
 */
export class SimulatedMachine {
  readonly limits: SchedulerLimits
  /** Domains whose units may wait although a pCPU is idle. */
  readonly heldBack: Set<number> = new Set()
  now: number = 0
  /** How often a pCPU had to do something. */
  wakeups: number = 0
  readonly #ops: RecordedScheduler
  readonly #pcpus: SimPcpu[]
  readonly #units = new Map<number, SimUnit>()
  #actions: { readonly at: number; readonly act: () => void }[] = []

  constructor(make: () => SchedulerPart, limits: SchedulerLimits, instances = 1) {
    this.limits = limits
    this.#ops = new RecordedScheduler(make, limits, instances, (pcpu) => {
      this.#pcpus[pcpu]!.tickled = true
    })
    const idle = { current: IDLE, sliceEnd: NEVER, deadline: NEVER }
    this.#pcpus = Array.from({ length: limits.pcpus }, () => ({ ...idle, tickled: true }))
  }

  get calls(): readonly SchedulerCall[] {
    return this.#ops.calls
  }

  addDomain(domain: number, params: SchedulerParams = {}): void {
    this.#ops.call('insertDomain', domain)
    if (Object.keys(params).length > 0) {
      check(this.#ops.call('adjust', domain, params) === 0, `adjust refused ${JSON.stringify(params)}`)
    }
  }

  removeDomain(domain: number): void {
    this.#ops.call('removeDomain', domain)
  }

  adjust(domain: number, params: SchedulerParams): number {
    return this.#ops.call('adjust', domain, params)
  }

  addUnit(unit: number, domain: number, workload: Workload, affinity: bigint = ANY_PCPU): void {
    const fresh = { affinity, runnable: false, paused: false, removed: false, left: 0, sleep: 0 }
    const idle = { wakeAt: NEVER, used: 0, pcpu: IDLE, since: 0 }
    this.#units.set(unit, { domain, workload, ...fresh, ...idle })
    this.#ops.call('insertUnit', unit, domain, affinity, BigInt(this.now))
    this.#wake(unit)
  }

  /** Whether the number is taken: also by a removed unit that its pCPU has not let go. */
  has(unit: number): boolean {
    return this.#units.has(unit)
  }

  removeUnit(unit: number): void {
    const it = this.#unit(unit)
    it.removed = true
    it.runnable = false
    this.#ops.call('removeUnit', unit, BigInt(this.now))
    if (it.pcpu === IDLE) this.#units.delete(unit)
  }

  pause(unit: number): void {
    const it = this.#unit(unit)
    it.paused = true
    it.runnable = false
    this.#ops.call('sleep', unit, BigInt(this.now))
  }

  unpause(unit: number): void {
    const it = this.#unit(unit)
    it.paused = false
    if (it.wakeAt === NEVER || it.wakeAt <= this.now) this.#wake(unit)
  }

  setAffinity(unit: number, affinity: bigint): void {
    this.#unit(unit).affinity = affinity
    this.#ops.call('setAffinity', unit, affinity, BigInt(this.now))
  }

  yield(unit: number): void {
    const { pcpu } = this.#unit(unit)
    if (pcpu === IDLE) return
    this.#ops.call('yield', unit)
    this.#schedule(pcpu)
  }

  /** Has `act` done at that time. */
  at(time: number, act: () => void): void {
    this.#actions.push({ at: time, act })
    this.#actions.sort((a, b) => a.at - b.at)
  }

  /** ns the unit has run so far. */
  used(unit: number): number {
    const it = this.#unit(unit)
    return it.used + (it.pcpu === IDLE ? 0 : this.now - it.since)
  }

  /** pCPU the unit runs on, or {@link IDLE}. */
  runsOn(unit: number): number {
    return this.#unit(unit).pcpu
  }

  deadlines(): bigint[] {
    return this.#pcpus.map((_, pcpu) => this.#ops.call('nextDeadline', pcpu))
  }

  /** Lets time pass. */
  run(until: number): void {
    this.settle()
    for (;;) {
      const next = this.#nextEvent()
      if (next > until) break
      check(next >= this.now, 'a deadline lies in the past')
      this.now = next
      this.#due()
      this.settle()
    }
    this.now = until
  }

  /** Acts on tickles until there are none, then checks what must hold. */
  settle(): void {
    for (let rounds = 0; this.#pcpus.some(({ tickled }) => tickled); rounds++) {
      check(rounds < 10 * this.limits.pcpus + 100, 'pCPUs tickle each other without end')
      for (const [pcpu, { tickled }] of this.#pcpus.entries()) if (tickled) this.#schedule(pcpu)
    }
    this.#checkContract()
  }

  #unit(unit: number): SimUnit {
    const it = this.#units.get(unit)
    if (it === undefined) throw new Error(`unit ${unit} does not exist`)
    return it
  }

  #wake(unit: number): void {
    const it = this.#unit(unit)
    if (it.paused || it.removed || it.runnable) return
    it.wakeAt = NEVER
    it.runnable = true
    this.#nextBurst(it)
    this.#ops.call('wake', unit, BigInt(this.now))
  }

  #nextBurst(it: SimUnit): void {
    if (it.left > 0) return
    const { value, done } = it.workload.next()
    it.left = done ? NEVER : value.run
    it.sleep = done ? 0 : value.sleep
  }

  /** The next thing that happens by itself. */
  #nextEvent(): number {
    let next = this.#actions[0]?.at ?? NEVER
    for (const it of this.#units.values()) {
      if (!it.paused) next = Math.min(next, it.wakeAt)
      if (it.pcpu !== IDLE) next = Math.min(next, it.since + it.left)
    }
    for (const { sliceEnd, deadline } of this.#pcpus) next = Math.min(next, sliceEnd, deadline)
    return next
  }

  #due(): void {
    while (this.#actions.length > 0 && this.#actions[0]!.at <= this.now) this.#actions.shift()!.act()
    for (const [unit, it] of this.#units) {
      if (it.wakeAt <= this.now) this.#wake(unit)
      if (it.pcpu !== IDLE && it.since + it.left <= this.now) this.#pcpus[it.pcpu]!.tickled = true
    }
    for (const [pcpu, it] of this.#pcpus.entries()) {
      if (it.sliceEnd <= this.now) it.tickled = true
      if (it.deadline <= this.now) {
        this.wakeups++
        this.#ops.call('tick', pcpu, BigInt(this.now))
        this.#askDeadline(pcpu)
      }
    }
  }

  #schedule(pcpu: number): void {
    const it = this.#pcpus[pcpu]!
    const { current } = it
    it.tickled = false
    this.wakeups++
    if (current !== IDLE) this.#leave(current)
    const runnable = current !== IDLE && this.#unit(current).runnable
    const { unit, slice } = this.#ops.call('doSchedule', pcpu, BigInt(this.now), current, runnable)
    if (current !== IDLE && this.#unit(current).removed) this.#units.delete(current)
    it.current = unit
    it.sliceEnd = this.now + slice
    if (unit !== IDLE) this.#enter(unit, pcpu, slice)
    this.#askDeadline(pcpu)
  }

  #leave(unit: number): void {
    const it = this.#unit(unit)
    const ran = this.now - it.since
    it.used += ran
    it.left -= ran
    it.pcpu = IDLE
    if (it.left > 0 || !it.runnable) return
    if (it.sleep === 0) this.#nextBurst(it)
    else {
      it.runnable = false
      it.wakeAt = this.now + it.sleep
    }
  }

  #enter(unit: number, pcpu: number, slice: number): void {
    const it = this.#unit(unit)
    check(slice > 0, `unit ${unit} was given a slice of ${slice} ns`)
    check(it.pcpu === IDLE, `unit ${unit} runs on pCPU ${it.pcpu} and on ${pcpu}`)
    check(it.runnable, `unit ${unit} was chosen but does not want to run`)
    check(allowed(it, pcpu), `unit ${unit} was chosen on pCPU ${pcpu}, outside its affinity`)
    it.pcpu = pcpu
    it.since = this.now
  }

  #askDeadline(pcpu: number): void {
    const deadline = this.#ops.call('nextDeadline', pcpu)
    this.#pcpus[pcpu]!.deadline = deadline === NO_DEADLINE ? NEVER : Number(deadline)
  }

  #checkContract(): void {
    const idle = [...this.#pcpus.keys()].filter((pcpu) => this.#pcpus[pcpu]!.current === IDLE)
    for (const [unit, it] of this.#units) {
      if (!it.runnable) {
        check(it.pcpu === IDLE, `unit ${unit} runs on although it was told to stop`)
        continue
      }
      const isHome = it.pcpu === IDLE || allowed(it, it.pcpu)
      check(isHome, `unit ${unit} still runs on pCPU ${it.pcpu}, outside its affinity`)
      if (it.pcpu !== IDLE || this.heldBack.has(it.domain)) continue
      const free = idle.find((pcpu) => allowed(it, pcpu))
      check(free === undefined, `unit ${unit} waits while pCPU ${free} is idle at ${this.now} ns`)
    }
  }
}
