import type { Embedded } from '../../src/abi/struct.ts'
import { sizeof } from '../../src/abi/struct.ts'
import { createDomainState } from '../../src/domain/create-domain-state.ts'
import type { Domain } from '../../src/domain/domain.ts'
import { hypervisorMemory } from '../../src/domain/hypervisor-state.ts'
import type { SchedulerPort } from '../../src/domain/scheduler-port.ts'
import { DOM0_OWNER } from '../../src/domain/shared-lock.ts'
import { Dom0Ports } from '../../src/event-channel/dom0-ports.ts'
import { EventChannels } from '../../src/event-channel/event-channels.ts'
import { GrantTables } from '../../src/grant-table/grant-tables.ts'
import { coreHypercalls } from '../../src/hypercall/core-hypercalls.ts'
import { HypercallDispatcher } from '../../src/hypercall/dispatch.ts'
import type { HypercallContext, HypervisorServices } from '../../src/hypercall/hypercall-context.ts'
import { XEN_4_17 } from '../../src/hypercall/ops/xen-version.ts'
import type { SharedMemory } from '../../src/shared-layout.ts'
import type { Clock } from '../../src/time/clock.ts'
import { type MemoryDomain, va } from './memory-domain.ts'
import { fillStruct, readStruct, type Values } from './struct-values.ts'

/** Where arguments are put. */
export const ARG_PFN = 1
/** Attempts of one hypercall before a test gives up on it. */
const ATTEMPTS = 10_000

export interface OpOptions {
  /** Who calls. */
  readonly vcpu?: number
  /** Arguments behind the command; `arg` stands for the pointer to the structure. */
  readonly args?: readonly (number | 'arg')[]
}

export interface OpAnswer {
  readonly result: number
  /** Fields of the structure after the call. */
  fields(...paths: string[]): (number | bigint)[]
}

/** A hypervisor with domains but no processors: what the scheduler and the engine are asked is written down. */
export class Machine {
  readonly memory: SharedMemory
  readonly domains: Map<number, Domain> = new Map()
  readonly dom0: Domain
  readonly events: EventChannels
  readonly grants: GrantTables
  readonly services: HypervisorServices
  readonly dispatcher: HypercallDispatcher = new HypercallDispatcher([coreHypercalls])
  readonly clock: Clock & { time: bigint }
  /** What was asked of others since last taken, as `wake d1v0`. */
  #asked: string[] = []
  logged = ''
  /** Of the pCPU whose guests send events to domain 0. */
  serveInline: (port: number) => boolean = () => false
  /** Called each time a call is entered. */
  beforeAttempt: () => void = () => {}
  /** Exits of the last call but its last. */
  detours: string[] = []

  /** @param memory of another thread's machine, to share its hypervisor state */
  constructor(memory: SharedMemory = hypervisorMemory()) {
    this.memory = memory
    const directory = { get: (domid: number) => this.domains.get(domid) }
    const say = (what: string) => (domid: number, vcpu?: number) => {
      this.#asked.push(vcpu === undefined ? `${what} d${domid}` : `${what} d${domid}v${vcpu}`)
    }
    const sched: SchedulerPort = {
      wake: say('wake'),
      kick: say('kick'),
      yield: say('yield'),
      deschedule: say('deschedule'),
      timersChanged: say('timers'),
      domainStopped: say('stopped'),
    }
    this.clock = {
      time: 1_000_000n,
      tscHz: 1_000_000_000,
      epoch: 0n,
      now() {
        return this.time
      },
      tsc() {
        return this.time
      },
    }
    this.events = new EventChannels({
      memory: this.memory,
      domains: directory,
      sched,
      owner: DOM0_OWNER,
      serveInline: (port) => this.serveInline(port),
    })
    this.grants = new GrantTables({ domains: directory, owner: DOM0_OWNER })
    this.services = {
      domains: directory,
      events: this.events,
      grants: this.grants,
      sched,
      engine: {
        initialiseVcpu: (domid, vcpu, context) => {
          this.#asked.push(`initialise d${domid}v${vcpu} ${context.byteLength}`)
          return 0
        },
        setIopl: (domid, vcpu, iopl) => void this.#asked.push(`iopl d${domid}v${vcpu} ${iopl}`),
        setIoBitmap: (domid, vcpu, _bitmap, ports) => void this.#asked.push(`iobitmap d${domid}v${vcpu} ${ports}`),
        setNmiCallback: (domid, vcpu, address) => {
          this.#asked.push(`nmi d${domid}v${vcpu} ${address.toString(16)}`)
          return 0
        },
      },
      version: XEN_4_17,
      guestLog: (_domid, text) => {
        this.logged += new TextDecoder().decode(text)
      },
      reportBug: (domid, error) => {
        throw new Error(`a bug of ours crashed d${domid}`, { cause: error })
      },
      reportCrash: (domid, reason) => void this.#asked.push(`crash d${domid} ${reason}`),
    }
    const state = createDomainState({ domid: 0, nrVcpus: 1, maxPages: 0, sharedInfoFrame: 0 })
    this.dom0 = { domid: 0, state, ports: new Dom0Ports(this.memory) }
    this.domains.set(0, this.dom0)
  }

  add(domain: MemoryDomain): MemoryDomain {
    this.domains.set(domain.domid, domain)
    return domain
  }

  /** What was asked of the scheduler and the engine since last taken. */
  asked(): string[] {
    return this.#asked.splice(0)
  }

  context(domain: MemoryDomain, vcpu: number): HypercallContext {
    const { clock, services } = this
    return { domain, vcpu, guest: domain.guest, clock, services }
  }

  /** Makes a hypercall as a guest would, over as many entries as it takes. RAX, signed. */
  call(domain: MemoryDomain, vcpu: number, nr: number, ...args: (bigint | number)[]): number {
    const ctx = this.context(domain, vcpu)
    const { dispatcher } = this
    dispatcher.args.fill(args)
    this.detours = []
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.beforeAttempt()
      const exit = dispatcher.dispatch(ctx, nr)
      if (exit === 'done') return Number(BigInt.asIntN(64, BigInt(dispatcher.result)))
      if (exit === 'crashed' || exit === 'registers-set') throw new Error(`the call ended as ${exit}`)
      this.detours.push(exit)
    }
    throw new Error('the call never ends')
  }

  /** A sub-operation with a structure: in goes what is given, out comes the answer and the fields named in `answer`. */
  op(
    domain: MemoryDomain,
    nr: number,
    cmd: number,
    struct: Embedded,
    values: Values,
    { vcpu = 0, args = ['arg'] }: OpOptions = {},
  ): OpAnswer {
    const bytes = new Uint8Array(sizeof(struct))
    fillStruct(struct, new DataView(bytes.buffer), values)
    const at = va(ARG_PFN, 64)
    domain.poke(at, bytes)
    const result = this.call(domain, vcpu, nr, cmd, ...args.map((arg) => (arg === 'arg' ? at : arg)))
    const after = domain.peek(at, bytes.length)
    return { result, fields: (...paths) => paths.map((path) => readStruct(struct, after, path)) }
  }
}
