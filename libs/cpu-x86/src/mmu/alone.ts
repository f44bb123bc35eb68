import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { holdOut } from './safepoint.ts'

/** A backstop for waits, in milliseconds. */
const LOOK_AGAIN = 1
const FREE = 0
const TAKEN = 1

/**
 * Runs `act` while no other vCPU of the domain is in the guest: nothing that guest code does falls in the middle of it. Bits that
 * the hypervisor itself sets in shared_info are not kept out. The caller's vCPU must be out, as two that want this wait for each other.
 * @param vcpus the domain's, in the same order for every caller
 */
export function alone<T>(vcpu: VcpuMemory, vcpus: readonly VcpuMemory[], act: () => T): T {
  const { i32 } = vcpu.views
  const lock = (vcpus[0].base + CPU.ALONE_LOCK) >>> 2
  while (Atomics.compareExchange(i32, lock, FREE, TAKEN) !== FREE) Atomics.wait(i32, lock, TAKEN, LOOK_AGAIN)
  const releases: (() => void)[] = []
  try {
    for (const other of vcpus) if (other.base !== vcpu.base) releases.push(holdOut(other))
    return act()
  } finally {
    for (const release of releases) release()
    Atomics.store(i32, lock, FREE)
    Atomics.notify(i32, lock, 1)
  }
}
