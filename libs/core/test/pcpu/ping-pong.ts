import type { MessagePort } from 'node:worker_threads'
import type { Domain, DomainDirectory } from '../../src/domain/domain.ts'
import { DomainState, VCPU, VCPU_BLOCKED } from '../../src/domain/domain-state.ts'
import type { LockOwner } from '../../src/domain/shared-lock.ts'
import { notifyVcpu, unblockVcpu } from '../../src/domain/vcpu-run.ts'
import { DomainVcpus } from '../../src/pcpu/domain-vcpus.ts'
import { PcpuState, schedulerLimits } from '../../src/pcpu/pcpu-state.ts'
import type { VcpuExit, VcpuRunner } from '../../src/pcpu/vcpu-ports.ts'
import { VcpuScheduler } from '../../src/pcpu/vcpu-scheduler.ts'
import type { PcpuParts } from '../../src/plugin/pcpu-parts.ts'
import { type SchedulerLimits, SchedulerOps, type SchedulerPart } from '../../src/plugin/scheduler.ts'
import { SharedMemory } from '../../src/shared-layout.ts'
import { type ClockOrigin, HostClock } from '../../src/time/clock.ts'

export const PCPUS = 2
export const DOMID = 7
export const LIMITS: SchedulerLimits = schedulerLimits(PCPUS, 4)
/** Turns each pair of vCPUs takes. */
export const ROUNDS = 3000
/** Even vCPUs and the odd ones above them throw a ball to each other; the vCPUs of this pair never block, but yield. */
const BUSY_PAIR = 4
/** Looks for the ball before that. */
const SPINS = 300
export const VCPUS = 6

/** Shared by all threads of the test. */
export interface Court {
  readonly pcpuBuffer: SharedArrayBuffer
  readonly schedulerBuffer: SharedArrayBuffer
  /** Word per vCPU: has the ball; was kicked; how often it threw. Then one: pairs that are done. */
  readonly court: SharedArrayBuffer
  readonly origin: ClockOrigin
}

export interface PcpuStart extends Court {
  readonly pcpu: number
  readonly port: MessagePort
  readonly plugin: { readonly url: string; readonly config: unknown }
}

export type Mail = { readonly kind: 'domain'; readonly state: SharedArrayBuffer } | { readonly kind: 'stop' }

export const DONE: number = 3 * VCPUS

/** Domains this thread was told of. */
export class ToldDomains implements DomainDirectory {
  readonly #domains = new Map<number, Domain>()
  readMail: () => void = () => {}

  tell(buffer: SharedArrayBuffer): void {
    const state = new DomainState(buffer)
    this.#domains.set(state.domid, { domid: state.domid, state, ports: undefined as never })
  }

  get(domid: number): Domain | undefined {
    if (!this.#domains.has(domid)) this.readMail()
    return this.#domains.get(domid)
  }
}

export function schedulerOf(
  court: Court,
  parts: PcpuParts,
  owner: LockOwner,
  domains: DomainDirectory,
  engine: Pick<VcpuRunner, 'kick'>,
): VcpuScheduler {
  const part: SchedulerPart = parts.find(SchedulerOps, 'rr')
  return new VcpuScheduler({
    pcpus: new PcpuState(new SharedMemory(court.pcpuBuffer), 0, LIMITS),
    part,
    record: { memory: new SharedMemory(court.schedulerBuffer), base: 0 },
    owner,
    clock: new HostClock(court.origin),
    vcpus: new DomainVcpus(domains),
    engine,
  })
}

/** vCPUs whose only program is to throw a ball back, by the same steps as an event and SCHEDOP_block. */
export class BallRunner implements VcpuRunner {
  readonly #words: Int32Array
  readonly #domains: DomainDirectory
  readonly #clock: HostClock
  scheduler: VcpuScheduler | undefined

  constructor(court: Court, domains: DomainDirectory) {
    this.#words = new Int32Array(court.court)
    this.#domains = domains
    this.#clock = new HostClock(court.origin)
  }

  kick(_domid: number, vcpu: number): void {
    Atomics.store(this.#words, VCPUS + vcpu, 1)
  }

  run(domid: number, vcpu: number, slice: number, mustLeave: () => boolean): VcpuExit {
    const words = this.#words
    const domain = this.#domains.get(domid)!
    const end = Number(this.#clock.now()) + slice
    for (let spins = 0; ; spins++) {
      if (Atomics.exchange(words, VCPUS + vcpu, 0) === 1 && mustLeave()) return 'kicked'
      if (Atomics.exchange(words, vcpu, 0) === 1) this.#throwBack(domain, vcpu)
      else if (vcpu < BUSY_PAIR) this.#block(domain, vcpu)
      else if (spins > SPINS) return 'yield'
      if (mustLeave()) return 'kicked'
      if (Number(this.#clock.now()) >= end) return 'slice'
    }
  }

  #throwBack(domain: Domain, vcpu: number): void {
    const words = this.#words
    const throws = Atomics.add(words, 2 * VCPUS + vcpu, 1) + 1
    if (throws === ROUNDS && vcpu % 2 === 0) {
      Atomics.add(words, DONE, 1)
      Atomics.notify(words, DONE)
      return
    }
    Atomics.store(words, vcpu ^ 1, 1)
    notifyVcpu(domain, vcpu ^ 1, this.scheduler!)
  }

  #block(domain: Domain, vcpu: number): void {
    VCPU.flags.or(domain.state.memory, domain.state.vcpu(vcpu), VCPU_BLOCKED)
    if (Atomics.load(this.#words, vcpu) === 1) unblockVcpu(domain, vcpu, this.scheduler!)
    else this.scheduler!.deschedule(domain.domid, vcpu)
  }
}
