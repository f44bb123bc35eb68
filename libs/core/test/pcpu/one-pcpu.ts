import { DOM0_OWNER, pcpuOwner } from '../../src/domain/shared-lock.ts'
import { Pcpu } from '../../src/pcpu/pcpu.ts'
import { PcpuState, pcpuStateBytes, schedulerLimits } from '../../src/pcpu/pcpu-state.ts'
import type { VcpuExit, VcpuStates } from '../../src/pcpu/vcpu-ports.ts'
import { VcpuScheduler } from '../../src/pcpu/vcpu-scheduler.ts'
import type { SchedulerOps, SchedulerPart } from '../../src/plugin/scheduler.ts'
import { SharedMemory, sharedSize } from '../../src/shared-layout.ts'
import { RoundRobin, roundRobinLayout } from '../conformance/round-robin.ts'

const LIMITS = schedulerLimits(1, 2)
const MS = 1_000_000

/** A pCPU's thread whose sleep only moves a clock. */
class SleeplessState extends PcpuState {
  onSleep: (ms: number) => void = () => {}
  /** Before each look at the count. */
  onLook: () => void = () => {}

  override wakeCount(pcpu: number): number {
    this.onLook()
    return super.wakeCount(pcpu)
  }

  override sleep(pcpu: number, seen: number, ms: number): void {
    if (this.wakeCount(pcpu) === seen) this.onSleep(ms)
  }
}

/** What vCPU `vcpu` of domain 1 does in a turn of so many ms. */
export type Turn = (slice: number, mustLeave: () => boolean) => VcpuExit

/** One pCPU over the round robin scheduler (turns of 5 ms), run in the test's own thread, with a log of what it does. */
export class OnePcpu {
  readonly log: string[] = []
  /** vCPUs that may run; ms their next timer is due at. */
  readonly runnable: Set<number> = new Set()
  readonly due: Map<number, number> = new Map()
  /** As another thread has it, and as the pCPU's own has it. */
  readonly outside: VcpuScheduler
  readonly inside: VcpuScheduler
  /** Does something between a decision of the policy and its taking effect. */
  afterDecision: (unit: number, policy: SchedulerOps) => void = () => {}
  onExpire: (vcpu: number) => void = () => {}
  /** vCPUs whose deadlines were asked for. */
  readonly asked: number[] = []
  /** What another thread does while the pCPU sleeps, each for one sleep, which it ends. */
  readonly meanwhile: (() => void)[] = []
  ms = 0
  readonly #state: SleeplessState
  readonly #pcpu: Pcpu

  constructor(turns: readonly Turn[], vcpus = 2, processors = 1) {
    const script = [...turns]
    const memory = new SharedMemory(new SharedArrayBuffer(pcpuStateBytes(LIMITS)))
    const record = { memory: new SharedMemory(new SharedArrayBuffer(sharedSize(roundRobinLayout(LIMITS)))), base: 0 }
    this.#state = new SleeplessState(memory, 0, LIMITS)
    const clock = { now: () => BigInt(Math.round(this.ms * MS)), tsc: () => 0n, tscHz: 1, epoch: 0n }
    const states: VcpuStates = {
      runnable: (_domid, vcpu) => this.runnable.has(vcpu),
      enter: (_domid, vcpu) => this.log.push(`${this.ms}: enter ${vcpu}`),
      leave: (_domid, vcpu) => this.log.push(`${this.ms}: leave ${vcpu}`),
      queue: () => {},
    }
    const part: SchedulerPart = {
      layout: roundRobinLayout,
      create: (at, limits, port) => {
        const policy = new RoundRobin(at, limits, port, 'none')
        const decide = policy.doSchedule.bind(policy)
        policy.doSchedule = (...args) => {
          const decision = decide(...args)
          this.afterDecision(decision.unit, policy)
          return decision
        }
        return policy
      },
    }
    const engine = { kick: () => {} }
    const common = { pcpus: this.#state, part, record, clock, vcpus: states, engine }
    this.outside = new VcpuScheduler({ ...common, owner: DOM0_OWNER })
    this.inside = new VcpuScheduler({ ...common, owner: pcpuOwner(0) })
    this.#pcpu = new Pcpu({
      pcpu: 0,
      scheduler: this.inside,
      timers: {
        next: (_domid, vcpu) => {
          this.asked.push(vcpu)
          return BigInt((this.due.get(vcpu) ?? -1 / MS) * MS)
        },
        expire: (_domid, vcpu) => {
          if ((this.due.get(vcpu) ?? Number.POSITIVE_INFINITY) > this.ms) return
          this.log.push(`${this.ms}: timer of ${vcpu}`)
          this.due.delete(vcpu)
          this.onExpire(vcpu)
        },
      },
      runner: {
        ...engine,
        run: (_domid, vcpu, slice, mustLeave) => {
          this.log.push(`${this.ms}: run ${vcpu} for ${slice / MS}`)
          const turn = script.shift()
          if (turn !== undefined) return turn(slice / MS, mustLeave)
          this.#end()
          return 'kicked'
        },
      },
      clock,
      readMail: () => {},
      processors,
    })
    // Nothing left to do: the end of a test whose script ran out.
    this.#state.onSleep = (ms) => {
      this.log.push(`${this.ms}: sleep ${ms}`)
      const meanwhile = this.meanwhile.shift()
      if (meanwhile !== undefined) {
        meanwhile()
        return
      }
      if (ms === Number.POSITIVE_INFINITY) this.#end()
      else this.ms += ms
    }
    this.outside.addDomain(1, vcpus)
  }

  wake(...vcpus: number[]): void {
    for (const vcpu of vcpus) {
      this.runnable.add(vcpu)
      this.outside.wake(1, vcpu)
    }
  }

  /** Does something before each look of the pCPU whether it is woken. */
  set onLook(act: () => void) {
    this.#state.onLook = act
  }

  /** The pCPU's life until the script is at its end. */
  run(): string[] {
    this.#pcpu.run()
    return this.log
  }

  poke(): void {
    this.#state.bumpWake(0)
  }

  #end(): void {
    this.#pcpu.stop()
    this.#state.bumpWake(0)
  }
}
