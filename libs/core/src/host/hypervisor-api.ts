import type { Socket } from 'node:net'
import type { DetachOptions, DeviceInfo } from '../backend/domain-devices.ts'
import type { CoreDump } from '../core-dump/core-dump.ts'
import type { SchedulerParams } from '../plugin/scheduler.ts'
import type { PluginEntry } from '../plugin-host/read-plugin.ts'
import type { Xenstore } from '../xenstore/xenstore.ts'
import type { HypervisorEvents } from './hypervisor-events.ts'

/** What its owner should hear of: a bug of ours, a guest's own crash, a listener that failed, or trouble with a device. */
export interface HypervisorReport {
  readonly kind: 'bug' | 'crash' | 'listener' | 'device'
  readonly domid: number
  readonly text: string
}

export interface HypervisorOptions {
  /** CPU engine, scheduler and whatever else is wanted; workers import them too. */
  readonly plugins: readonly PluginEntry[]
  /** Where relative paths of `plugins` begin: a file, or a folder with a slash; the working directory by default. */
  readonly base?: URL
  /** The caller's `import.meta.resolve`, so that its dependencies are found; core's by default. */
  readonly resolve?: (specifier: string) => string
  /** Worker threads, 1 to 64. */
  readonly pcpus: number
  /** Name of the scheduler, `credit` by default. */
  readonly scheduler?: string
  /** Kind of the CPU engine, `pv` by default. */
  readonly engine?: string
  /** The first listener of `guest-log`. */
  guestLog?(domid: number, bytes: Uint8Array): void
  /** The first listener of `report`, which also hears what happens at the start. */
  report?(report: HypervisorReport): void
  /** Takes what `xenstore-control print` says, and each request while `xenstore-control log on` holds: lines. */
  xenstoreLog?(line: string): void
  /** Called once, while the pCPUs start and domain 0 would wait for them: for what takes long. It is not to throw. */
  meanwhile?(): void
}

/** The contents of a file; `name` is for messages. */
export interface GuestFile {
  readonly bytes: Uint8Array
  readonly name: string
}

/** A domain as it is asked for: files may be paths, and defaults are worked out. */
export interface NewDomain extends Omit<DomainRequest, 'kernel' | 'ramdisk' | 'cmdline' | 'vcpus'> {
  readonly kernel: GuestFile | string
  readonly ramdisk?: GuestFile | string
  /** Empty by default. */
  readonly cmdline?: string
  /** 1 by default. */
  readonly vcpus?: number
}

/** A paravirtual device to be made. */
export interface DeviceRequest {
  /** As xenstore has it: `vbd`, `vif`. */
  readonly type: string
  /** What the plugin that has its back ends says. */
  readonly config: unknown
  /** Where the user asked for it, such as `guest.cfg:3: disk`: begins what is said when it cannot be had. */
  readonly where?: string
}

/** A domain to be made. */
export interface DomainRequest {
  readonly name: string
  readonly kernel: GuestFile
  readonly ramdisk?: GuestFile
  readonly cmdline: string
  /** MiB. */
  readonly memory: number
  readonly vcpus: number
  /** Time is a function of retired instructions, and the run repeatable. */
  readonly virtualClock?: boolean
  /** Parameters of the scheduler, where it has them. */
  readonly weight?: number
  readonly cap?: number
  /** For each vCPU the pCPUs it may run on; those that are not named may run on all. */
  readonly affinity?: readonly (readonly number[])[]
  /** vCPUs that the guest is to have up, vCPU 0 among them; all by default. The others are there, and it leaves them down. */
  readonly online?: readonly number[]
  readonly uuid?: string
  /** ns from the epoch to guest time 0; for a virtual clock, which has a fixed one by default. */
  readonly epoch?: bigint
  /** Whether guest code is translated in regions; true by default. */
  readonly regions?: boolean
  /** Of a virtual clock: how the state of the domain is watched. */
  readonly stateHashes?: {
    /** Retired instructions between two; a multiple of a million. */
    readonly every: bigint
    readonly taken: (retired: bigint, hash: bigint) => void
  }
  /** The domain stays as it is when it has shut down, until it is destroyed. */
  readonly preserve?: boolean
  readonly devices?: readonly DeviceRequest[]
}

export type EndReason = 'poweroff' | 'reboot' | 'suspend' | 'crash' | 'watchdog' | 'destroyed'

export interface DomainEnd {
  readonly reason: EndReason
  /** One line, for a crash. */
  readonly detail?: string
  readonly cpuTimeNs: bigint
}

export interface DomainInfo {
  readonly state: 'running' | 'blocked' | 'paused' | 'suspended' | 'shutdown' | 'crashed'
  readonly cpuTimeNs: bigint
  readonly memoryMiB: number
  readonly vcpus: number
  readonly retiredInstructions: bigint
}

export interface VcpuInfo {
  readonly vcpu: number
  /** It is up; else the guest has not brought it up, or took it down. */
  readonly online: boolean
  /** pCPU that runs it, or ran it last; undefined while it is not online. */
  readonly pcpu: number | undefined
  readonly state: 'running' | 'runnable' | 'blocked' | 'offline'
  readonly cpuTimeNs: bigint
  /** pCPUs it may run on. */
  readonly affinity: readonly number[]
}

/** A domain that suspended itself as it was asked to: all of its state lies in memory (docs/suspend-record.md). */
export interface SuspendedDomain {
  /** What the guest says is the gmfn of its start_info: the third argument of its hypercall, as it came. */
  readonly startInfo: bigint
  readonly retiredInstructions: bigint
  /** 64 bits over registers and frames, see `EngineDomain.stateHash`; before it is resumed. */
  stateHash(): bigint
}

/** A byte stream to and from the guest's first console. */
export interface DomainConsole {
  /** Input waits for the guest. @returns false: let no more wait before `onDrain` has said so */
  write(bytes: Uint8Array): boolean
  /** Called when more input is welcome after `write` said no. @returns ends it */
  onDrain(listener: () => void): () => void
  /** @returns ends it */
  onOutput(listener: (bytes: Uint8Array) => void): () => void
}

/** A domain, from its creation to its end. */
export interface RunningDomain {
  readonly domid: number
  readonly name: string
  readonly uuid: string
  readonly console: DomainConsole
  /** A new domain begins to run by this. */
  unpause(): void
  pause(): void
  /** Resolves when nothing is left of it. */
  destroy(): Promise<void>
  /** Asks the guest, through control/shutdown. */
  shutdown(how: 'poweroff' | 'reboot' | 'halt'): void
  /**
   * Asks the guest, through control/shutdown, to suspend itself, and resolves when it has and no pCPU runs it any more. It
   * may never do so: who does not want to wait longer aborts the signal, which takes the request back. A guest that
   * suspends itself nevertheless then goes on at once.
   * @throws CodedError SUSPEND_UNSUPPORTED (it has not written control/feature-suspend), SUSPEND_UNDER_WAY,
   * DOMAIN_SUSPENDED, DOMAIN_ENDED (also if it ends meanwhile); the signal's reason
   */
  suspend(options?: { readonly signal?: AbortSignal }): Promise<SuspendedDomain>
  /**
   * Lets a suspended domain go on where it is, with its rings and ports: its hypercall answers 1, "cancelled".
   * @throws CodedError NOT_SUSPENDED
   */
  resume(): Promise<void>
  /** Settles when the domain has ended and, unless it is preserved, nothing is left of it. */
  readonly ended: Promise<DomainEnd>
  info(): DomainInfo
  /**
   * Gives it another name, in the store, too, and another UUID, if one is given, as when another domain is to take its place.
   * @throws CodedError DOMAIN_CONFIG, DOMAIN_EXISTS, DOMAIN_ENDED
   */
  rename(name: string, uuid?: string): void
  /** None when it is gone. */
  vcpus(): readonly VcpuInfo[]
  /** Has a vCPU run on these pCPUs only, those there are. @throws CodedError VCPU_UNKNOWN, AFFINITY, DOMAIN_ENDED */
  pin(vcpu: number, pcpus: readonly number[]): void
  /** Its parameters with the scheduler: of credit, weight and cap. @throws CodedError DOMAIN_ENDED */
  schedulerParams(): SchedulerParams
  /** Changes those that are named. @throws CodedError SCHEDULER_PARAMS (nothing is changed), DOMAIN_ENDED */
  adjustScheduler(params: SchedulerParams): void
  /**
   * Asks the guest's kernel, through cpu/N/availability, to have these vCPUs up, and the others down. It may not do so: Linux takes
   * one down by itself, and brings one up when something in the guest wants it to.
   * @throws CodedError DOMAIN_CONFIG, DOMAIN_ENDED
   */
  setOnline(vcpus: readonly number[]): void
  /** @throws CodedError VCPU_UNKNOWN, DOMAIN_ENDED */
  sendNmi(vcpu: number): void
  /**
   * Its memory and vCPUs as a file. Of a domain that runs it is blurred, as it goes on meanwhile: pause it first.
   * @throws CodedError DOMAIN_ENDED, also while the pieces are taken
   */
  coreDump(): Promise<CoreDump>
  /**
   * Opens a device and offers it to the guest, which may or may not take it.
   * @throws CodedError DEVICE_TYPE, DOMAIN_ENDED, and those of the plugin; nothing is left behind
   */
  attachDevice(device: DeviceRequest): Promise<DeviceInfo>
  /**
   * Asks the guest to close a device, and resolves when nothing is left of it.
   * @throws CodedError DEVICE_UNKNOWN, DEVICE_BUSY (it goes when the guest lets go of it), DOMAIN_ENDED
   */
  detachDevice(type: string, devid: number, options?: DetachOptions): Promise<void>
  /**
   * Changes what is behind a device, while the guest goes on.
   * @throws CodedError DEVICE_UNKNOWN, DEVICE_FIXED, DOMAIN_ENDED, and those of the plugin, with nothing changed
   */
  reconfigureDevice(type: string, devid: number, config: unknown): Promise<DeviceInfo>
  /** None when it is gone. */
  devices(): readonly DeviceInfo[]
  /** Asks the guest's kernel, through control/sysrq, to do what the key says. @throws CodedError DOMAIN_ENDED */
  sysrq(key: string): void
}

export interface Hypervisor {
  /** Builds a paused domain. @throws CodedError of one line; nothing is left behind */
  createDomain(request: NewDomain): Promise<RunningDomain>
  readonly events: Pick<HypervisorEvents, 'on' | 'once' | 'off'>
  domains(): readonly RunningDomain[]
  /** Domain 0's client. */
  readonly xenstore: Xenstore
  /** Serves a program of the host by xenstore's wire protocol, with domain 0's rights, until it closes the socket. */
  acceptXenstoreClient(socket: Socket): void
  /** Destroys all domains and ends the workers. */
  stop(): Promise<void>
}
