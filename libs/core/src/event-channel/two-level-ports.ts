import { EVTCHN_2L_NR_CHANNELS } from '../abi/event-channel.ts'
import { offsetof } from '../abi/struct.ts'
import { shared_info } from '../abi/xen.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { setPendingSel, setUpcallPending, sharedInfoOffset, vcpuInfoWritten } from '../domain/vcpu-info.ts'
import type { PortOps } from './port-ops.ts'

const PENDING = offsetof(shared_info.evtchn_pending) >> 2
const MASK = offsetof(shared_info.evtchn_mask) >> 2

/**
 * The two-level ABI: a pending and a mask bit per port in shared_info, a selector bit per 64 ports in the vcpu_info of
 * the vCPU that is told. The guest changes all of them at any moment, so each is touched by one atomic operation.
 */
export class TwoLevelPorts implements PortOps {
  readonly limit: number = EVTCHN_2L_NR_CHANNELS
  readonly #domain: Omit<GuestDomain, 'ports'>

  constructor(domain: Omit<GuestDomain, 'ports'>) {
    this.#domain = domain
  }

  setPending(port: number, vcpu: number): 'already' | 'masked' | 'upcall' {
    const bit = 1 << (port & 31)
    if (Atomics.or(this.#words(), this.#index(PENDING, port), bit) & bit) return 'already'
    if (this.isMasked(port)) return 'masked'
    return this.#select(port, vcpu) ? 'upcall' : 'masked'
  }

  clearPending(port: number): void {
    Atomics.and(this.#words(), this.#index(PENDING, port), ~(1 << (port & 31)))
  }

  isPending(port: number): boolean {
    return (Atomics.load(this.#words(), this.#index(PENDING, port)) & (1 << (port & 31))) !== 0
  }

  isMasked(port: number): boolean {
    return (Atomics.load(this.#words(), this.#index(MASK, port)) & (1 << (port & 31))) !== 0
  }

  isBusy(): boolean {
    return false
  }

  unmask(port: number, vcpu: number): boolean {
    const bit = 1 << (port & 31)
    if ((Atomics.and(this.#words(), this.#index(MASK, port), ~bit) & bit) === 0) return false
    return this.isPending(port) && this.#select(port, vcpu)
  }

  /** Sets the selector bit and the upcall; true if both were clear. */
  #select(port: number, vcpu: number): boolean {
    const selector = port >> 6
    if (!setPendingSel(this.#guest, vcpu, selector >> 5, 1 << (selector & 31))) return false
    vcpuInfoWritten(this.#guest, vcpu)
    return setUpcallPending(this.#guest, vcpu)
  }

  get #guest(): GuestDomain {
    return this.#domain as GuestDomain
  }

  #words(): Int32Array {
    return this.#domain.memory.words
  }

  #index(table: number, port: number): number {
    return (sharedInfoOffset(this.#guest) >>> 2) + table + (port >> 5)
  }
}
