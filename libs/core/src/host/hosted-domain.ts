import * as sched from '../abi/sched.ts'
import type { DetachOptions, DeviceInfo, DomainDevices } from '../backend/domain-devices.ts'
import { type CoreDump, coreDump } from '../core-dump/core-dump.ts'
import { DOMAIN, DOMAIN_DYING, DOMAIN_SHUTDOWN, VCPU, VCPU_BLOCKED, VCPU_UP } from '../domain/domain-state.ts'
import { domainRuns, pauseDomain, unpauseDomain } from '../domain/lifecycle.ts'
import { bugOn, CodedError } from '../errors.ts'
import type { EngineDomain } from '../plugin/cpu-engine.ts'
import type { SchedulerParams } from '../plugin/scheduler.ts'
import type { Xenstore } from '../xenstore/xenstore.ts'
import { checkName, checkOnline, checkUuid } from './check-request.ts'
import type { HostedConsole } from './domain-console.ts'
import { domainPath, renameNodes, writeAvailability } from './domain-nodes.ts'
import type {
  DeviceRequest,
  DomainEnd,
  DomainInfo,
  DomainRequest,
  EndReason,
  RunningDomain,
  SuspendedDomain,
  VcpuInfo,
} from './hypervisor-api.ts'
import type { Machine } from './machine.ts'
import type { Suspension } from './suspension.ts'
import type { VcpuControl } from './vcpu-control.ts'

const REASONS: Readonly<Record<number, EndReason>> = {
  [sched.SHUTDOWN_poweroff]: 'poweroff',
  [sched.SHUTDOWN_reboot]: 'reboot',
  [sched.SHUTDOWN_suspend]: 'suspend',
  [sched.SHUTDOWN_crash]: 'crash',
  [sched.SHUTDOWN_watchdog]: 'watchdog',
  [sched.SHUTDOWN_soft_reset]: 'reboot',
}

export type Ending = Omit<DomainEnd, 'cpuTimeNs'>

/** What was asked for, without its files: those are many MiB, and a built guest has what it needs of them. */
export type DomainFacts = Omit<DomainRequest, 'kernel' | 'ramdisk' | 'devices'>

export interface HostedDomainInit {
  readonly request: DomainFacts
  readonly uuid: string
  readonly domain: EngineDomain
  readonly console: HostedConsole
  readonly vcpus: VcpuControl
  readonly machine: Machine
  readonly store: Xenstore
  /** @throws CodedError DOMAIN_EXISTS */
  readonly refuseTaken: (name: string) => void
  /** Does something to the guest at its place in the order of events. */
  readonly fromOutside: (action: () => void) => void
  readonly suspension: Suspension
  readonly devices: DomainDevices
  readonly destroy: () => Promise<void>
}

/** What the owner of a domain holds. When the domain is gone it holds on to nothing of it but its last numbers. */
export class HostedDomain implements RunningDomain {
  readonly domid: number
  readonly preserve: boolean
  readonly stateHashes: DomainRequest['stateHashes']
  readonly console: HostedConsole
  readonly ended: Promise<DomainEnd>
  readonly #suspension: Suspension
  readonly #settle: (end: DomainEnd) => void
  readonly #last: { info?: DomainInfo; crash?: string } = {}
  #name: string
  #uuid: string
  #live: HostedDomainInit | undefined
  #paused = true

  constructor(init: HostedDomainInit) {
    const { request, domain, uuid } = init
    this.domid = domain.domid
    this.#name = request.name
    this.#uuid = uuid
    this.preserve = request.preserve ?? false
    this.stateHashes = request.stateHashes
    this.console = init.console
    this.#suspension = init.suspension
    this.#live = init
    const { promise, resolve } = Promise.withResolvers<DomainEnd>()
    this.ended = promise
    this.#settle = resolve
  }

  get name(): string {
    return this.#name
  }

  get uuid(): string {
    return this.#uuid
  }

  unpause(): void {
    if (!this.#paused || this.#live === undefined) return
    this.#paused = false
    unpauseDomain(this.#live.domain, this.#live.machine.scheduler)
  }

  pause(): void {
    if (this.#paused || this.#live === undefined) return
    this.#paused = true
    pauseDomain(this.#live.domain, this.#live.machine.scheduler)
  }

  async destroy(): Promise<void> {
    await this.#live?.destroy()
  }

  shutdown(how: 'poweroff' | 'reboot' | 'halt'): void {
    if (this.#live === undefined) return
    const { store, fromOutside } = this.#live
    fromOutside(() => store.write(`${domainPath(this.domid)}/control/shutdown`, how))
  }

  async suspend({ signal }: { readonly signal?: AbortSignal } = {}): Promise<SuspendedDomain> {
    return this.#suspension.ask(signal)
  }

  async resume(): Promise<void> {
    this.#suspension.resume()
  }

  rename(name: string, uuid: string = this.#uuid): void {
    const { refuseTaken, store } = this.#alive()
    checkName(name)
    checkUuid(uuid)
    if (name !== this.#name) refuseTaken(name)
    renameNodes(store, this.domid, { from: this.#uuid, to: uuid }, name)
    this.#name = name
    this.#uuid = uuid
  }

  vcpus(): readonly VcpuInfo[] {
    return this.#live?.vcpus.infos() ?? []
  }

  pin(vcpu: number, pcpus: readonly number[]): void {
    this.#alive().vcpus.pin(vcpu, pcpus)
  }

  schedulerParams(): SchedulerParams {
    return this.#alive().machine.scheduler.params(this.domid)
  }

  adjustScheduler(params: SchedulerParams): void {
    if (Object.keys(params).length === 0) return
    const { scheduler } = this.#alive().machine
    if (scheduler.adjust(this.domid, params) === 0) return
    const given = Object.entries(params).map(([name, value]) => `${name}=${value}`)
    const known = this.schedulerParams()
    const unknown = Object.keys(params).filter((name) => !Object.hasOwn(known, name))
    const why = unknown.length > 0 ? `it has no ${unknown.join(' and no ')}; leave it out` : 'that is out of its range'
    const text = `the scheduler refuses ${given.join(', ')}: ${why}`
    throw new CodedError({ code: 'SCHEDULER_PARAMS' }, text)
  }

  sendNmi(vcpu: number): void {
    this.#alive().vcpus.sendNmi(vcpu)
  }

  setOnline(vcpus: readonly number[]): void {
    const { store, fromOutside, request } = this.#alive()
    checkOnline(vcpus, request.vcpus)
    fromOutside(() => writeAvailability(store, this.domid, request.vcpus, vcpus))
  }

  sysrq(key: string): void {
    const { store, fromOutside } = this.#alive()
    fromOutside(() => store.write(`${domainPath(this.domid)}/control/sysrq`, key))
  }

  async attachDevice({ type, config }: DeviceRequest): Promise<DeviceInfo> {
    return this.#alive().devices.attach(type, config)
  }

  async detachDevice(type: string, devid: number, options?: DetachOptions): Promise<void> {
    return this.#alive().devices.detach(type, devid, options)
  }

  async reconfigureDevice(type: string, devid: number, config: unknown): Promise<DeviceInfo> {
    return this.#alive().devices.reconfigure(type, devid, config)
  }

  devices(): readonly DeviceInfo[] {
    return this.#live?.devices.list() ?? []
  }

  async coreDump(): Promise<CoreDump> {
    const { domain, machine } = this.#alive()
    if (!domainRuns(domain)) await machine.scheduler.settled(this.domid)
    this.#alive()
    const { size, pieces } = coreDump(domain)
    return {
      size,
      pieces: () =>
        Iterator.from(pieces()).map((piece) => {
          this.#alive()
          return piece
        }),
    }
  }

  info(): DomainInfo {
    const info = this.#live === undefined ? this.#last.info : infoOf(this.#live)
    bugOn(info === undefined, 'a domain is gone and left no numbers')
    return info as DomainInfo
  }

  #alive(): HostedDomainInit {
    if (this.#live !== undefined) return this.#live
    throw new CodedError({ code: 'DOMAIN_ENDED', name: this.#name }, `domain ${this.#name} has ended`)
  }

  /** Why it crashed, as far as a worker said it; the first word counts. */
  noteCrash(text: string): void {
    // One line: a stack, if there is one, was reported.
    this.#last.crash ??= text.split('\n', 1)[0]
  }

  /** Whether it shut down by itself, and not to be resumed. */
  get hasShutDown(): boolean {
    if (this.#live === undefined) return false
    if (DOMAIN.lifecycle.load(this.#live.domain.state.memory, 0) !== DOMAIN_SHUTDOWN) return false
    return !this.#suspension.takesShutdown()
  }

  /** Why it ended, after it shut down. */
  whyShutDown(): Ending {
    bugOn(this.#live === undefined, 'a domain that is gone shut down')
    const code = DOMAIN.shutdownReason.load((this.#live as HostedDomainInit).domain.state.memory, 0)
    const reason = REASONS[code] ?? 'crash'
    if (reason !== 'crash') return { reason }
    const known = REASONS[code] === undefined ? `shutdown reason ${code} is unknown` : "the guest's kernel reported it"
    return { reason, detail: this.#last.crash ?? known }
  }

  /** Its vCPUs have stopped for good. */
  letGo(): void {
    this.#last.info ??= this.info()
    this.#suspension.end()
    this.#live = undefined
  }

  settle(why: Ending): void {
    this.#suspension.end()
    this.#settle({ ...why, cpuTimeNs: this.info().cpuTimeNs })
  }
}

function infoOf({ request, domain, vcpus }: HostedDomainInit): DomainInfo {
  return {
    state: stateOf(domain),
    cpuTimeNs: vcpus.cpuTime(),
    memoryMiB: request.memory,
    vcpus: request.vcpus,
    retiredInstructions: domain.retired(),
  }
}

function stateOf({ state }: EngineDomain): DomainInfo['state'] {
  const lifecycle = DOMAIN.lifecycle.load(state.memory, 0)
  if (lifecycle === DOMAIN_SHUTDOWN || lifecycle === DOMAIN_DYING) {
    const reason = DOMAIN.shutdownReason.load(state.memory, 0)
    if (reason === sched.SHUTDOWN_crash) return 'crashed'
    return reason === sched.SHUTDOWN_suspend && lifecycle === DOMAIN_SHUTDOWN ? 'suspended' : 'shutdown'
  }
  if (DOMAIN.paused.load(state.memory, 0) > 0) return 'paused'
  for (let vcpu = 0; vcpu < state.nrVcpus; vcpu++) {
    const flags = VCPU.flags.load(state.memory, state.vcpu(vcpu))
    if ((flags & (VCPU_UP | VCPU_BLOCKED)) === VCPU_UP) return 'running'
  }
  return 'blocked'
}
