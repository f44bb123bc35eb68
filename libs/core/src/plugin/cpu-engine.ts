import type { DomainDirectory, GuestDomain } from '../domain/domain.ts'
import type { LockOwner } from '../domain/shared-lock.ts'
import type { HypervisorServices } from '../hypercall/hypercall-context.ts'
import type { VcpuExit } from '../pcpu/vcpu-ports.ts'
import type { Clock } from '../time/clock.ts'
import { type PcpuTokens, pcpuTokens } from './token.ts'

/** A file as the user gave it; the name is for messages. */
export interface NamedFile {
  readonly bytes: Uint8Array
  readonly name: string
}

/** A domain as the toolstack asks an engine for it; checked and complete. */
export interface EngineDomainRequest {
  readonly domid: number
  readonly kernel: NamedFile
  readonly ramdisk?: NamedFile
  readonly cmdline: string
  /** MiB. */
  readonly memory: number
  readonly vcpus: number
  /** OPTION_* of DomainState. */
  readonly options: number
  /** UUID, 16 bytes. */
  readonly handle: Uint8Array
  /** ns from the epoch to guest time 0. */
  readonly wallclock: bigint
  /** Ports that will be the guest's for the store and the console. */
  readonly storePort: number
  readonly consolePort: number
  /** Whether guest code may be translated in regions, beyond the cold tier. */
  readonly regions: boolean
}

/** One thread's handle on a domain that an engine runs. */
export interface EngineDomain extends GuestDomain {
  /** Has the vCPU's thread, whichever it is, leave translated code soon; harmless if no thread runs it. */
  kick(vcpu: number): void
  /** Instructions all its vCPUs have retired, without those of a stretch of translated code that is being run. */
  retired(): bigint
  /** What the hypercall that the vCPU was in last answers; while no pCPU runs the vCPU. */
  setResult(vcpu: number, value: bigint): void
  /** See {@link EnginePcpu.stateHash}; while no pCPU runs any of its vCPUs. */
  stateHash(): bigint
  /** Fills a vcpu_guest_context; while no pCPU runs the vCPU. */
  readContext(vcpu: number, context: DataView): void
  /** The guest's pseudo-physical pages: each pfn with its gmfn, by gmfn. As they are now: the guest may change them while it runs. */
  pages(): Iterable<readonly [pfn: number, gmfn: number]>
}

/** A domain that was built: paused, its vCPU 0 initialised and up. */
export interface BuiltEngineDomain {
  readonly domain: EngineDomain
  /** What {@link EnginePcpu.attach} needs; it can be posted. */
  readonly shared: unknown
  readonly storeGmfn: number
  readonly consoleGmfn: number
}

/** The engine on domain 0's thread. */
export interface EngineControl {
  /** @throws CodedError of one line about the files or numbers given; nothing is left behind */
  build(request: EngineDomainRequest): BuiltEngineDomain
}

/** What an engine is given on each pCPU. */
export interface EnginePcpuInit {
  /** Owner of locks in this thread. */
  readonly owner: LockOwner
  readonly domains: DomainDirectory
  /** All that handlers use, but for the engine's own port. */
  readonly services: Omit<HypervisorServices, 'engine'>
  /** The clock of a domain: the host's, or its own. */
  clockOf(domain: EngineDomain): Clock
}

/** The engine on one pCPU. Runs each vCPU that it is asked to, whichever pCPU ran it before. */
export interface EnginePcpu {
  /** The domain as this thread reaches it. @param shared of {@link BuiltEngineDomain}, posted */
  attach(shared: unknown): EngineDomain
  /** The domain is gone: forgets all it has of it. */
  detach(domid: number): void
  /** See `VcpuRunner.run`. */
  run(domid: number, vcpu: number, slice: number, mustLeave: () => boolean): VcpuExit
  /**
   * Runs the vCPU for `count` more instructions, not one more or less, or until `mustLeave` says so after a hypercall.
   * For domains whose time is virtual. The same from the same state, on every host and however a run is divided.
   */
  runExactly(domid: number, vcpu: number, count: number, mustLeave: () => boolean): void
  /**
   * 64 bits that differ, in all likelihood, if anything a guest can see differs: registers of all vCPUs and the contents of all
   * frames. The same in every tier of an engine, while no vCPU of the domain runs. Not cryptographic.
   */
  stateHash(domid: number): bigint
  /** The pCPU ends: no more is asked of this. */
  stop?(): Promise<void>
}

/** What a CPU engine contributes: each thread calls one of the two, once. */
export interface EnginePart {
  control(): EngineControl
  pcpu(init: EnginePcpuInit): EnginePcpu
}

/** Key: the kind of domain it runs, such as `pv`. */
export const CpuEngine: PcpuTokens<EnginePart> = pcpuTokens('CpuEngine')
