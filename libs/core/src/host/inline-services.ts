import type { LockOwner } from '../domain/shared-lock.ts'
import { type InlineHost, type InlineOffer, InlineParts, type InlineService } from '../plugin/inline-service.ts'
import type { PcpuParts } from '../plugin/pcpu-parts.ts'
import type { Machine } from './machine.ts'

type InlineMachine = Pick<Machine, 'dom0' | 'events' | 'grants' | 'clock'> & {
  readonly domains: Pick<Machine['domains'], 'guest'>
}

interface Served {
  readonly domid: number
  readonly offer: InlineOffer
  service: InlineService | undefined
}

/** Ports of domain 0 whose events a pCPU serves itself, as one pCPU has them. */
export class InlineServices {
  readonly #machine: InlineMachine
  readonly #parts: PcpuParts
  readonly #owner: LockOwner
  readonly #ports = new Map<number, Served>()

  constructor(machine: InlineMachine, parts: PcpuParts, owner: LockOwner) {
    this.#machine = machine
    this.#parts = parts
    this.#owner = owner
  }

  /** @param offer of the port from now on; none any more */
  set(port: number, domid: number, offer: InlineOffer | undefined): void {
    if (offer === undefined) this.#ports.delete(port)
    else this.#ports.set(port, { domid, offer, service: undefined })
  }

  /** A domain is gone, and its devices before it. */
  forget(domid: number): void {
    for (const [port, served] of this.#ports) if (served.domid === domid) this.#ports.delete(port)
  }

  /** A guest has sent the port's event. @returns false if domain 0 is to be told */
  serve(port: number): boolean {
    return this.#serviceOf(port)?.serve() ?? false
  }

  #serviceOf(port: number): InlineService | undefined {
    const served = this.#ports.get(port)
    if (served === undefined) return undefined
    served.service ??= this.#open(port, served)
    return served.service
  }

  #open(port: number, { domid, offer }: Served): InlineService | undefined {
    const { domains, dom0, events, grants, clock } = this.#machine
    const guest = domains.guest(domid)
    if (guest === undefined) return undefined
    const host: InlineHost = {
      domid,
      owner: this.#owner,
      memory: guest.memory,
      clock,
      holdGrant: (ref, readonly) => grants.hold(0, domid, ref, readonly),
      releaseGrant: (grant) => grants.release(grant),
      notify: () => void events.send(dom0, port),
      tellDom0: () => events.setPending(dom0, port),
      serviceOf: (other) => this.#serviceOf(other),
    }
    return this.#parts.find(InlineParts, offer.part).open(offer.shared, host)
  }
}
