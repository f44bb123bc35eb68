import { createDomainState } from '../domain/create-domain-state.ts'
import type { Domain, DomainDirectory } from '../domain/domain.ts'
import { DOMAIN, DomainState, OPTION_PRIVILEGED } from '../domain/domain-state.ts'
import { HYPERVISOR, HYPERVISOR_STATE_BYTES } from '../domain/hypervisor-state.ts'
import { type LockOwner, pcpuOwner, SharedLock } from '../domain/shared-lock.ts'
import { Dom0Ports } from '../event-channel/dom0-ports.ts'
import { EventChannels } from '../event-channel/event-channels.ts'
import { VirtualOrder } from '../event-channel/virtual-order.ts'
import { GrantTables } from '../grant-table/grant-tables.ts'
import { DomainVcpus } from '../pcpu/domain-vcpus.ts'
import { PcpuState, pcpuStateBytes, schedulerLimits } from '../pcpu/pcpu-state.ts'
import { VcpuScheduler } from '../pcpu/vcpu-scheduler.ts'
import type { EngineDomain } from '../plugin/cpu-engine.ts'
import type { PcpuParts } from '../plugin/pcpu-parts.ts'
import { type SchedulerLimits, SchedulerOps } from '../plugin/scheduler.ts'
import { SharedMemory, sharedSize } from '../shared-layout.ts'
import { type Clock, type ClockOrigin, HostClock, hostClockOrigin } from '../time/clock.ts'
import { VirtualClock } from '../time/virtual-clock.ts'
import type { InlineServices } from './inline-services.ts'

/** Domains that may live at the same time. */
export const MAX_DOMAINS = 64

/** What all threads of a hypervisor share; it can be posted. */
export interface MachineShared {
  readonly limits: SchedulerLimits
  readonly hypervisor: SharedArrayBuffer
  readonly dom0: SharedArrayBuffer
  readonly pcpus: SharedArrayBuffer
  readonly scheduler: SharedArrayBuffer
  /** Key of the scheduler among the plugins'. */
  readonly schedulerName: string
  readonly clock: ClockOrigin
}

/** The hypervisor's memory, as it boots. */
export function createMachine(pcpus: number, schedulerName: string, parts: PcpuParts): MachineShared {
  const limits = schedulerLimits(pcpus, MAX_DOMAINS)
  const dom0 = createDomainState({
    domid: 0,
    nrVcpus: 1,
    maxPages: 0,
    sharedInfoFrame: 0,
    options: OPTION_PRIVILEGED,
  })
  return {
    limits,
    hypervisor: new SharedArrayBuffer(HYPERVISOR_STATE_BYTES),
    dom0: dom0.memory.buffer,
    pcpus: new SharedArrayBuffer(pcpuStateBytes(limits)),
    scheduler: new SharedArrayBuffer(sharedSize(parts.find(SchedulerOps, schedulerName).layout(limits))),
    schedulerName,
    clock: hostClockOrigin(),
  }
}

/** The domains one thread knows. */
export class ThreadDomains implements DomainDirectory {
  readonly #dom0: Domain
  readonly #guests = new Map<number, EngineDomain>()
  /** Hears of new domains; set where they come by mail. */
  hear: () => void = () => {}

  constructor(dom0: Domain) {
    this.#dom0 = dom0
  }

  get(domid: number): Domain | undefined {
    return domid === 0 ? this.#dom0 : this.guest(domid)
  }

  guest(domid: number): EngineDomain | undefined {
    const known = this.#guests.get(domid)
    if (known !== undefined) return known
    this.hear()
    return this.#guests.get(domid)
  }

  guests(): IterableIterator<EngineDomain> {
    return this.#guests.values()
  }

  add(domain: EngineDomain): void {
    this.#guests.set(domain.domid, domain)
  }

  remove(domid: number): void {
    this.#guests.delete(domid)
  }
}

/** One thread's ways into the shared machine. */
export class Machine {
  readonly shared: MachineShared
  readonly memory: SharedMemory
  readonly clock: HostClock
  readonly dom0: Domain
  readonly domains: ThreadDomains
  readonly pcpus: PcpuState
  readonly scheduler: VcpuScheduler
  readonly order: VirtualOrder
  readonly events: EventChannels
  readonly grants: GrantTables
  /** Of a pCPU. */
  inline: InlineServices | undefined
  readonly #virtualClocks = new WeakMap<EngineDomain, VirtualClock>()

  constructor(shared: MachineShared, parts: PcpuParts, owner: LockOwner) {
    this.shared = shared
    this.memory = new SharedMemory(shared.hypervisor)
    this.clock = new HostClock(shared.clock)
    this.dom0 = { domid: 0, state: new DomainState(shared.dom0), ports: new Dom0Ports(this.memory) }
    this.domains = new ThreadDomains(this.dom0)
    this.pcpus = new PcpuState(new SharedMemory(shared.pcpus), 0, shared.limits)
    this.scheduler = new VcpuScheduler({
      pcpus: this.pcpus,
      part: parts.find(SchedulerOps, shared.schedulerName),
      record: { memory: new SharedMemory(shared.scheduler), base: 0 },
      owner,
      clock: this.clock,
      vcpus: new DomainVcpus(this.domains),
      engine: { kick: (domid, vcpu) => this.domains.guest(domid)?.kick(vcpu) },
    })
    this.order = new VirtualOrder({
      memory: this.memory,
      deliver: (domain, port) => this.events.deliverArrived(domain, port),
      wanted: (domid) => this.scheduler.wake(domid, 0),
    })
    this.events = new EventChannels({
      memory: this.memory,
      domains: this.domains,
      sched: this.scheduler,
      owner,
      virtualOrder: this.order,
      serveInline: (port) => this.inline?.serve(port) ?? false,
    })
    this.grants = new GrantTables({ domains: this.domains, owner })
  }

  /** The clock of a domain: the host's, or its own. */
  clockOf(domain: EngineDomain): Clock {
    return domain.state.virtualTime ? this.virtualClockOf(domain) : this.clock
  }

  virtualClockOf(domain: EngineDomain): VirtualClock {
    const known = this.#virtualClocks.get(domain)
    if (known !== undefined) return known
    const epoch = DOMAIN.wallclock.load(domain.state.memory, 0)
    const clock = new VirtualClock({ state: domain.state, retired: () => domain.retired(), epoch })
    this.#virtualClocks.set(domain, clock)
    return clock
  }

  /** Every other thread is dead: frees what they held. */
  breakLocks(): void {
    const fields = [
      ...[...this.domains.guests()].flatMap(({ state: { memory } }) =>
        [DOMAIN.pageLock, DOMAIN.grantLock, DOMAIN.fifoLock].map((field) => ({ memory, field })),
      ),
      { memory: this.memory, field: HYPERVISOR.eventLock },
    ]
    for (let pcpu = 0; pcpu < this.shared.limits.pcpus; pcpu++) {
      const owner = pcpuOwner(pcpu)
      this.pcpus.lock(owner).breakOwner(owner)
      for (const { memory, field } of fields) new SharedLock(memory, field, 0, owner).breakOwner(owner)
    }
  }
}
