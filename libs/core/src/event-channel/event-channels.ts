import { EACCES, EEXIST, EINVAL, ENOENT, ENOSPC, ENOSYS, EPERM, ESRCH } from '../abi/errno.ts'
import { EVTCHN_FIFO_PRIORITY_MIN } from '../abi/event-channel.ts'
import { DOMID_SELF, NR_VIRQS } from '../abi/xen.ts'
import type { Domain, DomainDirectory, GuestDomain } from '../domain/domain.ts'
import { CHANNEL, DOMAIN, POLLS_ANY, VCPU } from '../domain/domain-state.ts'
import { HYPERVISOR } from '../domain/hypervisor-state.ts'
import type { SchedulerPort } from '../domain/scheduler-port.ts'
import { type LockOwner, SharedLock } from '../domain/shared-lock.ts'
import { notifyVcpu, unblockVcpu } from '../domain/vcpu-run.ts'
import type { SharedMemory } from '../shared-layout.ts'
import {
  type Binding,
  bindingDomid,
  bindingPeer,
  bindingState,
  ECS_FREE,
  ECS_INTERDOMAIN,
  ECS_IPI,
  ECS_UNBOUND,
  ECS_VIRQ,
  packBinding,
} from './binding.ts'
import { type EventOrder, hostOrder } from './event-order.ts'
import { expandArray, initControl, leaveFifo } from './fifo-setup.ts'
import { GuestPorts } from './guest-ports.ts'
import { isVcpuVirq } from './virq.ts'

/** Ports come into being in buckets of as many, as Xen allocates them. */
const PORTS_PER_BUCKET = 64

export interface EventChannelsInit {
  /** The hypervisor's shared buffer, laid out by `HYPERVISOR`. */
  readonly memory: SharedMemory
  readonly domains: DomainDirectory
  readonly sched: SchedulerPort
  /** Owner of locks in this thread. */
  readonly owner: LockOwner
  /** Order of the events of domains with a virtual clock. The others are in host order. */
  readonly virtualOrder?: EventOrder
  /** Serves an event for a port of domain 0 at once; false if it is to become pending. */
  readonly serveInline?: (port: number) => boolean
}

/** State of a port as EVTCHNOP_status tells it. */
export interface ChannelStatus {
  /** ECS_* */
  readonly state: number
  readonly vcpu: number
  /** Unbound, interdomain: the other domain. */
  readonly domid: number
  /** Interdomain: its port; VIRQ: the number. */
  readonly peer: number
}

/**
 * Event channels of all domains, as one thread reaches them. `domain` is always who asks; results are a port or 0, or
 * -errno. Bindings change under one lock of the whole hypervisor; sending takes none.
 */
export class EventChannels {
  readonly #domains: DomainDirectory
  readonly #sched: SchedulerPort
  readonly #lock: SharedLock
  readonly #virtualOrder: EventOrder
  readonly #serveInline: (port: number) => boolean

  constructor({ memory, domains, sched, owner, virtualOrder, serveInline }: EventChannelsInit) {
    this.#domains = domains
    this.#sched = sched
    this.#lock = new SharedLock(memory, HYPERVISOR.eventLock, 0, owner)
    this.#virtualOrder = virtualOrder ?? hostOrder
    this.#serveInline = serveInline ?? (() => false)
  }

  /** A port of `domid` (DOMID_SELF: the caller's) that `remote` may bind. -EPERM for another's unless privileged. */
  allocUnbound(domain: Domain, domid: number, remote: number): number {
    const target = this.#target(domain, domid)
    if (typeof target === 'number') return target
    const remoteDomid = remote === DOMID_SELF ? domain.domid : remote
    return this.#lock.with(() => this.#take(target, packBinding(ECS_UNBOUND, remoteDomid), 0))
  }

  /** Joins a new port of `domain` with `remotePort`, which waits for it. The new port starts pending. */
  bindInterdomain(domain: Domain, remote: number, remotePort: number): number {
    const peer = this.#domains.get(remote === DOMID_SELF ? domain.domid : remote)
    if (peer === undefined) return -ESRCH
    return this.#lock.with(() => {
      const waiting = this.#load(peer, remotePort)
      if (waiting === undefined || waiting !== packBinding(ECS_UNBOUND, domain.domid)) return -EINVAL
      const port = this.#take(domain, packBinding(ECS_INTERDOMAIN, peer.domid, remotePort), 0)
      if (port < 0) return port
      CHANNEL.binding.store(
        peer.state.memory,
        peer.state.channel(remotePort),
        packBinding(ECS_INTERDOMAIN, domain.domid, port),
      )
      // What was sent before anybody was bound is not lost.
      this.setPending(domain, port)
      return port
    })
  }

  /** -EEXIST if the VIRQ has a port. */
  bindVirq(domain: Domain, virq: number, vcpu: number): number {
    if (!(virq >= 0 && virq < NR_VIRQS)) return -EINVAL
    if (!isVcpuVirq(virq) && vcpu !== 0) return -EINVAL
    if (!(vcpu >= 0 && vcpu < domain.state.nrVcpus)) return -ENOENT
    const { memory } = domain.state
    const base = domain.state.vcpu(vcpu)
    return this.#lock.with(() => {
      if (VCPU.virqPorts.load(memory, base, virq) !== 0) return -EEXIST
      const port = this.#take(domain, packBinding(ECS_VIRQ, 0, virq), vcpu)
      if (port > 0) VCPU.virqPorts.store(memory, base, port, virq)
      return port
    })
  }

  bindIpi(domain: Domain, vcpu: number): number {
    if (!(vcpu >= 0 && vcpu < domain.state.nrVcpus)) return -ENOENT
    return this.#lock.with(() => this.#take(domain, packBinding(ECS_IPI), vcpu))
  }

  /** The other end, if any, falls back to unbound and waits for this domain again. */
  close(domain: Domain, port: number): number {
    return this.#lock.with(() => this.#close(domain, port))
  }

  /** Closes every port of the domain: EVTCHNOP_reset, and its end. */
  reset(domain: Domain): void {
    this.#lock.with(() => {
      const valid = DOMAIN.validPorts.load(domain.state.memory, 0)
      for (let port = 1; port < valid; port++) this.#close(domain, port)
      if (domain.memory !== undefined) leaveFifo(domain as GuestDomain)
    })
  }

  /** Succeeds in silence where nobody is bound. -EINVAL for a VIRQ or a port that is free. */
  send(domain: Domain, port: number): number {
    const binding = this.#load(domain, port)
    if (binding === undefined) return -EINVAL
    switch (bindingState(binding)) {
      case ECS_INTERDOMAIN: {
        const remote = this.#domains.get(bindingDomid(binding))
        if (remote !== undefined) this.#deliver(domain, remote, bindingPeer(binding))
        return 0
      }
      case ECS_IPI:
        this.setPending(domain, port)
        return 0
      case ECS_UNBOUND:
        return 0
      default:
        return -EINVAL
    }
  }

  status(domain: Domain, domid: number, port: number): ChannelStatus | number {
    const target = this.#target(domain, domid)
    if (typeof target === 'number') return target
    const binding = this.#load(target, port)
    // Port 0 is there, and free.
    if (binding === undefined && port !== 0) return -EINVAL
    if (binding === undefined) return { state: ECS_FREE, vcpu: 0, domid: 0, peer: 0 }
    const vcpu = CHANNEL.vcpu.load(target.state.memory, target.state.channel(port))
    return { state: bindingState(binding), vcpu, domid: bindingDomid(binding), peer: bindingPeer(binding) }
  }

  /** Tells `vcpu` of the port's events from now on. Not for IPIs and the VIRQs of one vCPU (-EINVAL). */
  bindVcpu(domain: Domain, port: number, vcpu: number): number {
    if (!(vcpu >= 0 && vcpu < domain.state.nrVcpus)) return -ENOENT
    return this.#lock.with(() => {
      const binding = this.#load(domain, port)
      if (binding === undefined) return -EINVAL
      const state = bindingState(binding)
      const movable =
        state === ECS_UNBOUND || state === ECS_INTERDOMAIN || (state === ECS_VIRQ && !isVcpuVirq(bindingPeer(binding)))
      if (!movable) return -EINVAL
      CHANNEL.vcpu.store(domain.state.memory, domain.state.channel(port), vcpu)
      return 0
    })
  }

  unmask(domain: Domain, port: number): number {
    if (port === 0) return 0
    if (this.#load(domain, port) === undefined) return -EINVAL
    const vcpu = this.#vcpuOf(domain, port)
    if (domain.ports.unmask(port, vcpu)) notifyVcpu(domain, vcpu, this.#sched)
    return 0
  }

  /** A VIRQ of one vCPU, from the thread that runs it: timer expiry. Nothing if it has no port. */
  raiseVirq(domain: Domain, vcpu: number, virq: number): void {
    const port = VCPU.virqPorts.load(domain.state.memory, domain.state.vcpu(vcpu), virq)
    if (port !== 0) this.setPending(domain, port)
  }

  /** A VIRQ of the machine, which domain 0 gets. */
  raiseGlobalVirq(virq: number): void {
    const dom0 = this.#domains.get(0)
    if (dom0 !== undefined) this.raiseVirq(dom0, 0, virq)
  }

  /** An event that waited for its place in the order is delivered now, if its port still has an owner. */
  deliverArrived(domain: Domain, port: number): void {
    const binding = this.#load(domain, port)
    if (binding !== undefined && bindingState(binding) !== ECS_FREE) this.setPending(domain, port)
  }

  /** Sets a port pending and tells its vCPU and those that poll it. Past the seam of order: see {@link send}. */
  setPending(domain: Domain, port: number): void {
    const vcpu = this.#vcpuOf(domain, port)
    const change = domain.ports.setPending(port, vcpu)
    if (domain.domid === 0 || change === 'already') return
    if (change === 'upcall') notifyVcpu(domain, vcpu, this.#sched)
    this.#wakePollers(domain, port)
  }

  /** Whether the port is one a guest may name; its state may be free. */
  isPort(domain: Domain, port: number): boolean {
    return port > 0 && port < DOMAIN.validPorts.load(domain.state.memory, 0)
  }

  /** EVTCHNOP_init_control. */
  initControl(domain: GuestDomain, vcpu: number, gmfn: number, offset: number): number {
    return this.#lock.with(() => initControl(domain, vcpu, gmfn, offset))
  }

  /** EVTCHNOP_expand_array. */
  expandArray(domain: GuestDomain, gmfn: number): number {
    return this.#lock.with(() => expandArray(domain, gmfn, this.#sched))
  }

  /** EVTCHNOP_set_priority: of the next event. -ENOSYS in the two-level ABI, which has none. */
  setPriority(domain: GuestDomain, port: number, priority: number): number {
    const { ports } = domain
    const fifo = ports instanceof GuestPorts && ports.isFifo ? ports.fifo : undefined
    return this.#lock.with(() => {
      const binding = port === 0 ? packBinding(ECS_FREE) : this.#load(domain, port)
      if (binding === undefined) return -EINVAL
      if (fifo === undefined) return -ENOSYS
      if (bindingState(binding) === ECS_FREE) return -EACCES
      if (priority > EVTCHN_FIFO_PRIORITY_MIN) return -EINVAL
      fifo.setPriority(port, priority)
      return 0
    })
  }

  #deliver(from: Domain, to: Domain, port: number): void {
    if (to.domid === 0 && this.#serveInline(port)) return
    if (from.domid !== to.domid && to.state.virtualTime && !this.#virtualOrder.arrives(to, port)) return
    this.setPending(to, port)
    if (to.domid === 0 && from.state.virtualTime) this.#virtualOrder.sentToDom0(from)
  }

  #wakePollers(domain: Domain, port: number): void {
    const { memory } = domain.state
    for (let word = 0; word < DOMAIN.pollers.length; word++) {
      let left = DOMAIN.pollers.load(memory, 0, word)
      while (left !== 0) {
        const bit = 31 - Math.clz32(left & -left)
        left &= left - 1
        const vcpu = word * 32 + bit
        const polled = VCPU.polling.load(memory, domain.state.vcpu(vcpu))
        if (polled === POLLS_ANY || polled === port) unblockVcpu(domain, vcpu, this.#sched)
      }
    }
  }

  /** Caller holds the lock. */
  #close(domain: Domain, port: number): number {
    const binding = this.#load(domain, port)
    if (binding === undefined) return -EINVAL
    const { memory } = domain.state
    const channel = domain.state.channel(port)
    switch (bindingState(binding)) {
      case ECS_FREE:
        return -EINVAL
      case ECS_INTERDOMAIN: {
        const remote = this.#domains.get(bindingDomid(binding))
        if (remote !== undefined) {
          const far = remote.state.channel(bindingPeer(binding))
          CHANNEL.binding.store(remote.state.memory, far, packBinding(ECS_UNBOUND, domain.domid))
        }
        break
      }
      case ECS_VIRQ: {
        const vcpu = CHANNEL.vcpu.load(memory, channel)
        const owner = isVcpuVirq(bindingPeer(binding)) ? vcpu : 0
        VCPU.virqPorts.store(memory, domain.state.vcpu(owner), 0, bindingPeer(binding))
        break
      }
    }
    // Pending goes first: after the binding is free another may take the port.
    domain.ports.clearPending(port)
    CHANNEL.vcpu.store(memory, channel, 0)
    CHANNEL.binding.store(memory, channel, packBinding(ECS_FREE))
    return 0
  }

  /** The lowest free port, now bound; the caller holds the lock. -ENOSPC */
  #take(domain: Domain, binding: Binding, vcpu: number): number {
    const { memory } = domain.state
    for (let port = 1; port < domain.ports.limit; port++) {
      const channel = domain.state.channel(port)
      if (CHANNEL.binding.load(memory, channel) !== ECS_FREE || domain.ports.isBusy(port)) continue
      CHANNEL.vcpu.store(memory, channel, vcpu)
      if (domain.ports instanceof GuestPorts) domain.ports.fifo.opened(port)
      if (port >= DOMAIN.validPorts.load(memory, 0)) {
        DOMAIN.validPorts.store(memory, 0, (Math.floor(port / PORTS_PER_BUCKET) + 1) * PORTS_PER_BUCKET)
      }
      CHANNEL.binding.store(memory, channel, binding)
      return port
    }
    return -ENOSPC
  }

  #load(domain: Domain, port: number): Binding | undefined {
    if (!this.isPort(domain, port)) return undefined
    return CHANNEL.binding.load(domain.state.memory, domain.state.channel(port))
  }

  #vcpuOf(domain: Domain, port: number): number {
    return CHANNEL.vcpu.load(domain.state.memory, domain.state.channel(port))
  }

  #target(domain: Domain, domid: number): Domain | number {
    if (domid === DOMID_SELF || domid === domain.domid) return domain
    const found = this.#domains.get(domid)
    if (found === undefined) return -ESRCH
    return domain.state.privileged || domain.domid === 0 ? found : -EPERM
  }
}
