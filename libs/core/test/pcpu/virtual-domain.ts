import { createDomainState } from '../../src/domain/create-domain-state.ts'
import {
  DOMAIN,
  DOMAIN_RUNNING,
  type DomainState,
  OPTION_VIRTUAL_TIME,
  VCPU,
  VCPU_BLOCKED,
  VCPU_UP,
} from '../../src/domain/domain-state.ts'
import type { EventChannels } from '../../src/event-channel/event-channels.ts'
import type { VirtualOrder } from '../../src/event-channel/virtual-order.ts'
import type { VcpuScheduler } from '../../src/pcpu/vcpu-scheduler.ts'
import { VirtualDomainRunner } from '../../src/pcpu/virtual-domain-runner.ts'
import type { EngineDomain } from '../../src/plugin/cpu-engine.ts'
import { VirtualClock } from '../../src/time/virtual-clock.ts'

/** What a vCPU does at a count of its own instructions, by a hypercall. */
export interface Step {
  readonly at: number
  readonly act: (machine: VirtualMachine) => void
}

/** One domain of virtual time on one pCPU, with an engine that only counts; what happens is written down. */
export class VirtualMachine {
  readonly happened: string[] = []
  readonly domain: EngineDomain
  readonly state: DomainState
  readonly clock: VirtualClock
  readonly #programs: readonly Step[][]
  readonly #retired: number[]
  readonly #runner: VirtualDomainRunner
  #leaving = false
  /** Host time in ns; passes by `pace` with each look. */
  #host = 0n
  pace = 0n
  /** Called at each order point; what it answers. */
  orderPoint: () => boolean = () => false

  constructor(...programs: Step[][]) {
    this.#programs = programs
    this.#retired = programs.map(() => 0)
    this.state = createDomainState({
      domid: 1,
      nrVcpus: programs.length,
      maxPages: 0,
      sharedInfoFrame: 0,
      options: OPTION_VIRTUAL_TIME,
    })
    const { memory } = this.state
    DOMAIN.lifecycle.store(memory, 0, DOMAIN_RUNNING)
    DOMAIN.paused.store(memory, 0, 0)
    for (let vcpu = 0; vcpu < programs.length; vcpu++) {
      const base = this.state.vcpu(vcpu)
      VCPU.flags.store(memory, base, VCPU_UP)
      VCPU.periodicPeriod.store(memory, base, 0n)
    }
    const retired = (): bigint => BigInt(this.#retired.reduce((sum, count) => sum + count, 0))
    this.domain = { domid: 1, state: this.state, retired } as unknown as EngineDomain
    this.clock = new VirtualClock({ state: this.state, retired, epoch: 0n })
    this.#runner = this.#makeRunner()
  }

  #makeRunner(): VirtualDomainRunner {
    const leaving = (): boolean => this.#leaving
    return new VirtualDomainRunner({
      engine: {
        runExactly: (_domid, vcpu, count, mustLeave) => this.#run(vcpu, count, mustLeave),
        stateHash: () => 0xabcn,
      },
      order: { orderPoint: () => this.orderPoint() } as unknown as VirtualOrder,
      events: {
        raiseVirq: (_domain: unknown, vcpu: number) => {
          this.happened.push(`${this.clock.now()}: timer of ${vcpu}`)
          this.wake(vcpu)
        },
      } as unknown as EventChannels,
      scheduler: {
        get leaving() {
          return leaving()
        },
      } as unknown as VcpuScheduler,
      clock: {
        now: () => {
          this.#host += this.pace
          return this.#host
        },
        tsc: () => 0n,
        tscHz: 1,
        epoch: 0n,
      },
      clockOf: () => this.clock,
      hashed: (_domid, at, hash) => this.happened.push(`hash ${hash.toString(16)} at ${at}`),
    })
  }

  #run(vcpu: number, count: number, mustLeave: () => boolean): void {
    const from = this.#retired[vcpu] as number
    const next = this.#programs[vcpu]?.find(({ at }) => at > from)
    const to = Math.min(from + count, next?.at ?? Number.POSITIVE_INFINITY)
    this.#retired[vcpu] = to
    this.#note(vcpu, to - from)
    if (next === undefined || to < next.at) return
    next.act(this)
    // The engine asks after each hypercall; a run goes on if it need not leave.
    if (!mustLeave() && count > to - from) this.#run(vcpu, count - (to - from), mustLeave)
  }

  /** Stretches of one vCPU are written as one, since where a run is divided does not count. */
  #note(vcpu: number, count: number): void {
    const last = /^run (\d+) for (\d+)$/.exec(this.happened.at(-1) ?? '')
    if (last !== null && Number(last[1]) === vcpu)
      this.happened[this.happened.length - 1] = `run ${vcpu} for ${Number(last[2]) + count}`
    else this.happened.push(`run ${vcpu} for ${count}`)
  }

  /** SCHEDOP_block. */
  block(vcpu: number): void {
    VCPU.flags.or(this.state.memory, this.state.vcpu(vcpu), VCPU_BLOCKED)
    this.#leaving = true
  }

  yield(): void {
    this.#leaving = true
  }

  wake(vcpu: number): void {
    VCPU.flags.clear(this.state.memory, this.state.vcpu(vcpu), VCPU_BLOCKED)
  }

  setTimer(vcpu: number, deadline: bigint): void {
    VCPU.singleshot.store(this.state.memory, this.state.vcpu(vcpu), deadline)
  }

  stop(): void {
    DOMAIN.lifecycle.store(this.state.memory, 0, 2)
    this.#leaving = true
  }

  /** Runs turn after turn, as a pCPU does, until the domain stops or has nothing to do; at most so many times. */
  go(turns = 1000, slice = 1000): string[] {
    for (let turn = 0; turn < turns && DOMAIN.lifecycle.load(this.state.memory, 0) === DOMAIN_RUNNING; turn++) {
      this.#leaving = false
      if (this.#runner.run(this.domain, slice, () => this.#leaving) === 'blocked') {
        this.happened.push('blocked')
        break
      }
    }
    return this.happened
  }
}
