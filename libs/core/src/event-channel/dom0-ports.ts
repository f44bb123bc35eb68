import { EVTCHN_2L_NR_CHANNELS } from '../abi/event-channel.ts'
import { HYPERVISOR } from '../domain/hypervisor-state.ts'
import type { SharedMemory } from '../shared-layout.ts'
import type { PortOps } from './port-ops.ts'

/** Domain 0's ports: bits in the hypervisor's memory and a word its thread waits on. Any thread may set them. */
export class Dom0Ports implements PortOps {
  readonly limit: number = EVTCHN_2L_NR_CHANNELS
  readonly #memory: SharedMemory

  constructor(memory: SharedMemory) {
    this.#memory = memory
  }

  setPending(port: number): 'already' | 'masked' | 'upcall' {
    const bit = 1 << (port & 31)
    if (HYPERVISOR.dom0Pending.or(this.#memory, 0, bit, port >> 5) & bit) return 'already'
    if (this.isMasked(port)) return 'masked'
    wakeDom0(this.#memory)
    return 'upcall'
  }

  clearPending(port: number): void {
    HYPERVISOR.dom0Pending.clear(this.#memory, 0, 1 << (port & 31), port >> 5)
  }

  isPending(port: number): boolean {
    return (HYPERVISOR.dom0Pending.load(this.#memory, 0, port >> 5) & (1 << (port & 31))) !== 0
  }

  isMasked(port: number): boolean {
    return (HYPERVISOR.dom0Masked.load(this.#memory, 0, port >> 5) & (1 << (port & 31))) !== 0
  }

  isBusy(): boolean {
    return false
  }

  unmask(port: number): boolean {
    HYPERVISOR.dom0Masked.clear(this.#memory, 0, 1 << (port & 31), port >> 5)
    if (!this.isPending(port)) return false
    wakeDom0(this.#memory)
    return true
  }
}

/** Makes domain 0's thread look at its ports and at the domains that wait for it. */
export function wakeDom0(memory: SharedMemory): void {
  HYPERVISOR.dom0Wake.add(memory, 0, 1)
  Atomics.notify(memory.i32, HYPERVISOR.dom0Wake.index(0))
}
