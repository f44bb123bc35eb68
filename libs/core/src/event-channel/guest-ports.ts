import type { GuestDomain } from '../domain/domain.ts'
import { DOMAIN } from '../domain/domain-state.ts'
import type { LockOwner } from '../domain/shared-lock.ts'
import { FifoPorts } from './fifo-ports.ts'
import type { PortOps } from './port-ops.ts'
import { TwoLevelPorts } from './two-level-ports.ts'

/** A guest's ports by the ABI it has chosen: the two-level one until EVTCHNOP_init_control. */
export class GuestPorts implements PortOps {
  readonly limit: number
  readonly twoLevel: TwoLevelPorts
  readonly fifo: FifoPorts
  readonly #domain: Omit<GuestDomain, 'ports'>

  /** @param owner of locks in this thread */
  constructor(domain: Omit<GuestDomain, 'ports'>, owner: LockOwner) {
    this.#domain = domain
    this.twoLevel = new TwoLevelPorts(domain)
    this.fifo = new FifoPorts(domain, owner)
    this.limit = this.twoLevel.limit
  }

  get isFifo(): boolean {
    return DOMAIN.fifo.load(this.#domain.state.memory, 0) !== 0
  }

  get #ports(): PortOps {
    return this.isFifo ? this.fifo : this.twoLevel
  }

  setPending(port: number, vcpu: number): 'already' | 'masked' | 'upcall' {
    return this.#ports.setPending(port, vcpu)
  }

  clearPending(port: number): void {
    this.#ports.clearPending(port)
  }

  isPending(port: number): boolean {
    return this.#ports.isPending(port)
  }

  isMasked(port: number): boolean {
    return this.#ports.isMasked(port)
  }

  isBusy(port: number): boolean {
    return this.#ports.isBusy(port)
  }

  unmask(port: number, vcpu: number): boolean {
    return this.#ports.unmask(port, vcpu)
  }
}
