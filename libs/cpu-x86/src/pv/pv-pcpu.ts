import {
  bugOn,
  coreHypercalls,
  type EngineDomain,
  type EnginePcpu,
  type EnginePcpuInit,
  HypercallDispatcher,
  refreshAreas,
  type VcpuExit,
} from '@paravane/core'
import { warmLoop } from '../cold/warm-loop.ts'
import { CompilerThread } from '../jit/compiler-thread.ts'
import { CPU } from '../state/layout.ts'
import type { CpuPolicy } from '../state/policy.ts'
import { cpuHypercalls } from './cpu-hypercalls.ts'
import { mmuHypercalls } from './mmu/hypercalls.ts'
import type { PvDomainShared } from './pv-domain.ts'
import { pvEnginePort } from './pv-engine-port.ts'
import type { PvStop, PvVcpu } from './pv-vcpu.ts'
import { PvWorkerDomain, type PvWorkerServices } from './pv-worker-domain.ts'

/** Instructions between two looks at the clock: some tenths of a millisecond. Hypercalls look each time. */
const CHUNK = 100_000
const NEVER_LEAVE = (): boolean => false

/** The PV engine on one worker. */
export class PvPcpu implements EnginePcpu {
  readonly #domains = new Map<number, PvWorkerDomain>()
  readonly #worker: PvWorkerServices
  readonly #clockOf: EnginePcpuInit['clockOf']
  readonly #compiler: CompilerThread
  /** Of the run under way. */
  #mustLeave: () => boolean = NEVER_LEAVE

  constructor({ owner, services, clockOf }: EnginePcpuInit, policy: CpuPolicy, keep?: string) {
    this.#clockOf = clockOf
    this.#compiler = new CompilerThread(policy.config, keep)
    warmLoop()
    this.#worker = {
      owner,
      policy,
      compiler: this.#compiler,
      dispatcher: new HypercallDispatcher([
        coreHypercalls,
        { id: '@paravane/cpu-x86', rows: cpuHypercalls((ctx) => this.#domain(ctx.domain.domid).vcpu(ctx.vcpu)) },
        mmuHypercalls((domain) => this.#domain(domain.domid).domain.mmu),
      ]),
      services: { ...services, engine: pvEnginePort((domid) => this.#domain(domid).domain) },
      mustLeave: () => this.#mustLeave(),
    }
  }

  attach(shared: unknown): EngineDomain {
    const part = new PvWorkerDomain(shared as PvDomainShared, this.#worker, this.#clockOf)
    this.#domains.set(part.domain.domid, part)
    return part.domain
  }

  detach(domid: number): void {
    const part = this.#domains.get(domid)
    if (part) this.#compiler.forget(part.domain.views.memory)
    this.#domains.delete(domid)
  }

  run(domid: number, vcpu: number, slice: number, mustLeave: () => boolean): VcpuExit {
    const part = this.#domain(domid)
    const pv = part.vcpu(vcpu)
    const end = part.clock.now() + BigInt(Math.ceil(slice))
    const isOver = (): boolean => part.clock.now() >= end
    this.#mustLeave = () => mustLeave() || isOver()
    for (;;) {
      clearKick(pv)
      if (mustLeave()) return 'kicked'
      if (isOver()) return 'slice'
      this.#refresh(part, vcpu, pv)
      if (this.#advance(pv, CHUNK, false) === 'descheduled' && !isOver()) return 'kicked'
    }
  }

  runExactly(domid: number, vcpu: number, count: number, mustLeave: () => boolean): void {
    const part = this.#domain(domid)
    const pv = part.vcpu(vcpu)
    const end = pv.vcpu.u64(CPU.ICOUNT) + BigInt(count)
    this.#mustLeave = mustLeave
    for (;;) {
      const left = Number(end - pv.vcpu.u64(CPU.ICOUNT))
      if (left <= 0) return
      clearKick(pv)
      this.#refresh(part, vcpu, pv)
      if (this.#advance(pv, left, true) === 'descheduled') return
    }
  }

  stateHash(domid: number): bigint {
    return this.#domain(domid).domain.stateHash()
  }

  stop(): Promise<void> {
    return this.#compiler.stop()
  }

  #advance(pv: PvVcpu, count: number, exact: boolean): PvStop {
    const stop = pv.run(count, exact)
    bugOn(stop === 'absent', 'a frame is absent, and nobody fetches frames')
    return stop
  }

  #refresh({ domain, clock }: PvWorkerDomain, vcpu: number, pv: PvVcpu): void {
    const absent = refreshAreas(domain, vcpu, clock, pv.memory.guest)
    bugOn(absent >= 0, 'a frame is absent, and nobody fetches frames')
  }

  #domain(domid: number): PvWorkerDomain {
    const part = this.#domains.get(domid)
    bugOn(part === undefined, 'the engine is asked about a domain it was not told of')
    return part as PvWorkerDomain
  }
}

/** Before the vCPU's events are looked at: who raises one later kicks again. */
function clearKick({ vcpu }: PvVcpu): void {
  Atomics.store(vcpu.views.i32, (vcpu.base + CPU.KICK) >> 2, 0)
}
