import { DomainDevices } from '../backend/domain-devices.ts'
import { DOMAIN, OPTION_VIRTUAL_TIME } from '../domain/domain-state.ts'
import { initSharedInfo } from '../domain/init-shared-info.ts'
import { beginDying } from '../domain/lifecycle.ts'
import { bugOn, CodedError } from '../errors.ts'
import type { Dom0Events } from '../event-channel/dom0-events.ts'
import type { BackendDriver } from '../plugin/backend-driver.ts'
import type { BuiltEngineDomain, EngineControl, EngineDomain } from '../plugin/cpu-engine.ts'
import type { InlineOffer } from '../plugin/inline-service.ts'
import type { SchedulerParams } from '../plugin/scheduler.ts'
import { Teardown } from '../plugin/teardown.ts'
import { PAGE_SIZE, type SharedPage, sharedPage } from '../ring/shared-page.ts'
import { hostEntropy, SeededEntropy } from '../time/entropy.ts'
import type { RingConnection } from '../xenstore/ring-connection.ts'
import type { Xenstore } from '../xenstore/xenstore.ts'
import type { Xenstored } from '../xenstore/xenstored.ts'
import { checkRequest } from './check-request.ts'
import { HostedConsole } from './domain-console.ts'
import { removeDomainNodes, writeDomainNodes } from './domain-nodes.ts'
import { type DomainFacts, type Ending, HostedDomain } from './hosted-domain.ts'
import type { DeviceRequest, DomainRequest } from './hypervisor-api.ts'
import { MAX_DOMAINS, type Machine } from './machine.ts'
import type { PcpuThreads } from './pcpu-threads.ts'
import { Suspension } from './suspension.ts'
import { collectGarbage } from './thread-memory.ts'
import { newUuid, uuidBytes } from './uuid.ts'
import { VcpuControl } from './vcpu-control.ts'

/** First ports of a new domain, by the order in which they are taken (xen/tools/libs/light/libxl_dom.c). */
const STORE_PORT = 1
const CONSOLE_PORT = 2
/** GNTTAB_RESERVED_CONSOLE and GNTTAB_RESERVED_XENSTORE. */
const CONSOLE_REF = 0
const STORE_REF = 1
/** Guest time 0 of a virtual clock: the first of January 2026. */
const VIRTUAL_EPOCH = 1_767_225_600_000_000_000n
const LAST_DOMID = 0x7fef

export interface DomainManagerInit {
  readonly machine: Machine
  readonly threads: PcpuThreads
  readonly events: Dom0Events
  readonly xenstored: Xenstored
  readonly store: Xenstore
  readonly engine: EngineControl
  readonly drivers: ReadonlyMap<string, BackendDriver>
  /** Keys of what plugins bring to serve events on the pCPUs. */
  readonly inlineParts: readonly string[]
  readonly report: (kind: 'device' | 'bug', domid: number, text: string) => void
}

interface Managed {
  readonly hosted: HostedDomain
  readonly domain: EngineDomain
  readonly teardown: Teardown
  ending: Promise<void> | undefined
}

/** Makes domains and takes them apart. */
export class DomainManager {
  readonly #init: DomainManagerInit
  readonly #managed = new Map<number, Managed>()
  /** Names of domains that are being made. */
  readonly #creating = new Set<string>()
  #lastDomid = 0
  /** Why no domain can run any more. */
  #broken: string | undefined

  constructor(init: DomainManagerInit) {
    this.#init = init
  }

  list(): HostedDomain[] {
    return [...this.#managed.values()].map(({ hosted }) => hosted)
  }

  /** @throws CodedError; nothing is left behind */
  async create(request: DomainRequest): Promise<HostedDomain> {
    this.#refuseIfBroken()
    checkRequest(request)
    this.#refuseTaken(request.name)
    this.#refuseMore()
    const teardown = new Teardown()
    this.#creating.add(request.name)
    this.#hold()
    try {
      const managed = await this.#make(request, this.#nextDomid(), teardown)
      this.#managed.set(managed.domain.domid, managed)
      // The unpacked kernel, and soon the files of who asked: tens of MiB for each domain, were they left to V8's own time.
      setImmediate(collectGarbage)
      return managed.hosted
    } catch (error) {
      await teardown.run()
      throw error
    } finally {
      this.#creating.delete(request.name)
      this.#hold()
    }
  }

  #refuseTaken(name: string): void {
    if (!this.#creating.has(name) && !this.list().some((domain) => domain.name === name)) return
    throw new CodedError(
      { code: 'DOMAIN_EXISTS', name },
      `a domain named ${name} runs already; destroy it or give another name`,
    )
  }

  /** The scheduler has a place for no more, nor has domain 0 event channels. */
  #refuseMore(): void {
    if (this.#managed.size + this.#creating.size < MAX_DOMAINS) return
    throw new CodedError(
      { code: 'TOO_MANY_DOMAINS' },
      `${MAX_DOMAINS} domains are there, as many as there can be; destroy one`,
    )
  }

  #refuseIfBroken(): void {
    if (this.#broken === undefined) return
    throw new CodedError({ code: 'PCPU_DIED' }, `${this.#broken.split('\n')[0]}; start the hypervisor again`)
  }

  async #make(
    { kernel, ramdisk, devices: wanted = [], ...request }: DomainRequest,
    domid: number,
    teardown: Teardown,
  ): Promise<Managed> {
    const { machine, threads, engine, store } = this.#init
    const virtual = request.virtualClock ?? false
    const uuid = request.uuid ?? newUuid(virtual ? new SeededEntropy(BigInt(domid)) : hostEntropy)
    const wallclock = virtual ? (request.epoch ?? VIRTUAL_EPOCH) : machine.clock.epoch
    const built = engine.build({
      domid,
      kernel,
      ...(ramdisk === undefined ? {} : { ramdisk }),
      cmdline: request.cmdline,
      memory: request.memory,
      vcpus: request.vcpus,
      options: virtual ? OPTION_VIRTUAL_TIME : 0,
      handle: uuidBytes(uuid),
      wallclock,
      storePort: STORE_PORT,
      consolePort: CONSOLE_PORT,
      regions: request.regions ?? true,
    })
    const { domain } = built
    machine.domains.add(domain)
    teardown.add('domain table', () => machine.domains.remove(domid))
    DOMAIN.hashEvery.store(domain.state.memory, 0, request.stateHashes?.every ?? 0n)
    initSharedInfo(domain, machine.clockOf(domain))
    this.#openPorts(built, teardown)
    writeDomainNodes(store, {
      domid,
      uuid,
      name: request.name,
      memory: request.memory,
      vcpus: request.vcpus,
      online: request.online,
      storePort: STORE_PORT,
      storeGmfn: built.storeGmfn,
      consolePort: CONSOLE_PORT,
      consoleGmfn: built.consoleGmfn,
      startTime: Number(wallclock / 1_000_000_000n),
    })
    let named: HostedDomain | undefined
    // It may have got another UUID by then.
    teardown.add('nodes', () => removeDomainNodes(store, domid, named?.uuid ?? uuid))
    const console = this.#serve(built, teardown)
    await threads.broadcast({ kind: 'domain', shared: built.shared })
    this.#refuseIfBroken()
    teardown.add('workers', () => threads.broadcast({ kind: 'gone', domid }))
    const devices = this.#devices(domain, uuid, () => named?.name ?? request.name)
    const { affinity } = request
    const vcpus = new VcpuControl({ domain, clock: machine.clockOf(domain), machine, affinity })
    const hosted = new HostedDomain({
      request,
      uuid,
      domain,
      console,
      vcpus,
      machine,
      store,
      refuseTaken: (name) => this.#refuseTaken(name),
      fromOutside: (action) => this.#fromOutside(domain, action),
      suspension: this.#suspension(request.name, domain),
      devices,
      destroy: () => this.destroy(domid),
    })
    named = hosted
    teardown.add('numbers', () => hosted.letGo())
    this.#schedule(domain, vcpus, teardown)
    hosted.adjustScheduler(given(request))
    teardown.add('devices', () => devices.end())
    for (const device of wanted) await attachNew(devices, device)
    return { hosted, domain, teardown, ending: undefined }
  }

  #devices(domain: EngineDomain, uuid: string, name: () => string): DomainDevices {
    const { machine, store, events, drivers, report } = this.#init
    return new DomainDevices({
      domain,
      uuid,
      name,
      drivers,
      store,
      events,
      grants: machine.grants,
      clock: machine.clockOf(domain),
      fromOutside: (action) => this.#fromOutside(domain, action),
      serveInline: (port, offer) => this.#serveInline(port, domain.domid, offer),
      report: (kind, text) => report(kind, domain.domid, text),
    })
  }

  /** A plugin with the part may be missing: all is domain 0's then. */
  #serveInline(port: number, domid: number, offer: InlineOffer | undefined): void {
    const { inlineParts, threads } = this.#init
    if (offer !== undefined && !inlineParts.includes(offer.part)) return
    void threads.broadcast({ kind: 'inline', port, domid, offer })
  }

  #suspension(name: string, domain: EngineDomain): Suspension {
    const { machine, threads, store, xenstored } = this.#init
    return new Suspension({
      name,
      domain,
      clock: machine.clockOf(domain),
      scheduler: machine.scheduler,
      store,
      announce: (suspended) => (suspended ? xenstored.domainShutdown(domain.domid) : xenstored.resume(domain.domid)),
      fromOutside: (action) => this.#fromOutside(domain, action),
      whileAlive: (work) => threads.whileAlive(work),
    })
  }

  #openPorts({ domain, storeGmfn, consoleGmfn }: BuiltEngineDomain, teardown: Teardown): void {
    const { events, grants } = this.#init.machine
    teardown.add('ports', () => events.reset(domain))
    bugOn(events.allocUnbound(domain, domain.domid, 0) !== STORE_PORT, 'the store port is taken')
    bugOn(events.allocUnbound(domain, domain.domid, 0) !== CONSOLE_PORT, 'the console port is taken')
    bugOn(grants.grow(domain, 1) !== 0, 'a new domain has no room for its grant table')
    grants.grantAccess(domain, CONSOLE_REF, 0, consoleGmfn)
    grants.grantAccess(domain, STORE_REF, 0, storeGmfn)
  }

  #serve({ domain, storeGmfn, consoleGmfn }: BuiltEngineDomain, teardown: Teardown): HostedConsole {
    const { events, xenstored } = this.#init
    const { domid } = domain
    // As if domain 0 had them mapped: the guest can neither give them back nor make page tables of them.
    for (const gmfn of [storeGmfn, consoleGmfn]) {
      bugOn(!domain.frames.get(gmfn, true), 'a ring of a new domain cannot be written')
      teardown.add('ring', () => domain.frames.put(gmfn, true))
    }
    let ring: RingConnection | undefined
    const storePort = this.#bind(domain, STORE_PORT, () => ring?.poke(), teardown)
    ring = xenstored.introduce(domid, { page: page(domain, storeGmfn), notify: () => void events.send(storePort) })
    teardown.add('store', () => xenstored.release(domid))
    const port = this.#bind(domain, CONSOLE_PORT, () => console.poke(), teardown)
    const console: HostedConsole = new HostedConsole({
      page: page(domain, consoleGmfn),
      notify: () => void events.send(port),
      fromOutside: (action) => this.#fromOutside(domain, action),
    })
    teardown.add('console', () => console.close())
    return console
  }

  #bind(domain: EngineDomain, remotePort: number, handler: () => void, teardown: Teardown): number {
    const { events } = this.#init
    const port = events.bindInterdomain(domain.domid, remotePort, handler)
    bugOn(port < 0, 'domain 0 has no event channel for a new domain')
    teardown.add('event channel', () => void events.close(port))
    return port
  }

  #schedule(domain: EngineDomain, vcpus: VcpuControl, teardown: Teardown): void {
    const { domid } = domain
    const { scheduler } = this.#init.machine
    const { virtualTime, nrVcpus } = domain.state
    // One of virtual time is one unit: its vCPUs take turns by the count of their instructions.
    scheduler.addDomain(domid, virtualTime ? 1 : nrVcpus, (vcpu) => vcpus.mask(vcpu))
    teardown.add('scheduler', () => this.#init.threads.whileAlive(scheduler.removeDomain(domid)))
    if (virtualTime) {
      const { events } = this.#init
      events.addVirtual(domain)
      teardown.add('virtual clock', () => events.removeVirtual(domid))
    }
  }

  /** Ends a domain, whatever it does. Resolves when nothing is left of it; at once if there is none. */
  async destroy(domid: number): Promise<void> {
    const managed = this.#managed.get(domid)
    if (managed === undefined) return
    managed.ending ??= this.#end(managed, { reason: 'destroyed' }, true)
    await managed.ending
    // One that was preserved has ended but is still there.
    if (this.#managed.has(domid)) await this.#remove(managed)
  }

  async destroyAll(): Promise<void> {
    await Promise.all([...this.#managed.keys()].map((domid) => this.destroy(domid)))
  }

  /** A domain has shut down: VIRQ_DOM_EXC. */
  lookForShutdowns(): void {
    this.#init.threads.hear()
    for (const managed of this.#managed.values()) {
      if (managed.ending !== undefined || !managed.hosted.hasShutDown) continue
      managed.ending = this.#end(managed, managed.hosted.whyShutDown(), !managed.hosted.preserve)
    }
  }

  /** What a worker said about a domain that it crashed. */
  noteCrash(domid: number, text: string): void {
    this.#managed.get(domid)?.hosted.noteCrash(text)
  }

  noteHash(domid: number, retired: bigint, hash: bigint): void {
    this.#managed.get(domid)?.hosted.stateHashes?.taken(retired, hash)
  }

  /** A pCPU is lost, with whatever it held: no domain can go on. */
  async fail(why: string): Promise<void> {
    if (this.#broken !== undefined) return
    this.#broken = why
    await this.#init.threads.terminate()
    this.#init.machine.breakLocks()
    for (const managed of this.#managed.values()) {
      managed.ending ??= this.#end(managed, { reason: 'crash', detail: why.split('\n')[0] }, true)
    }
  }

  async #end(managed: Managed, why: Ending, remove: boolean): Promise<void> {
    this.#init.xenstored.domainShutdown(managed.domain.domid)
    if (remove) await this.#remove(managed)
    else managed.hosted.console.poke()
    managed.hosted.settle(why)
    this.#hold()
  }

  async #remove(managed: Managed): Promise<void> {
    const { domain, teardown } = managed
    beginDying(domain, this.#init.machine.scheduler)
    await teardown.run()
    this.#managed.delete(domain.domid)
    this.#hold()
    setImmediate(collectGarbage)
  }

  /** Keeps the process alive while domains live. */
  #hold(): void {
    const living = [...this.#managed.values()].some(({ ending, hosted }) => ending === undefined || !hosted.preserve)
    this.#init.threads.hold(living || this.#creating.size > 0)
  }

  /** What is done to a domain by somebody outside the machine takes its place in the order of events. */
  #fromOutside(domain: EngineDomain, action: () => void): void {
    const { events, machine } = this.#init
    events.fromOutside(domain, action, (domid) => machine.scheduler.wake(domid, 0))
  }

  #nextDomid(): number {
    do this.#lastDomid = this.#lastDomid >= LAST_DOMID ? 1 : this.#lastDomid + 1
    while (this.#managed.has(this.#lastDomid))
    return this.#lastDomid
  }
}

/** What a request says of the scheduler's parameters. */
function given({ weight, cap }: DomainFacts): SchedulerParams {
  return { ...(weight === undefined ? {} : { weight }), ...(cap === undefined ? {} : { cap }) }
}

async function attachNew(devices: DomainDevices, { type, config, where }: DeviceRequest): Promise<void> {
  try {
    await devices.attach(type, config, true)
  } catch (error) {
    if (where === undefined || !(error instanceof CodedError)) throw error
    throw new CodedError(error.details, `${where}: ${error.message}`, { cause: error })
  }
}

/** A page that domain 0 shares with the guest: a ring's. */
function page({ memory }: EngineDomain, gmfn: number): SharedPage {
  bugOn(memory.frameOffset(gmfn) % PAGE_SIZE !== 0, 'a frame is not aligned')
  return sharedPage(memory.bytes.buffer, memory.frameOffset(gmfn), (offset, length) =>
    memory.written(gmfn, offset, length),
  )
}
