import type { VcpuMemory } from '../state/vcpu-memory.ts'

/** First L4 slot of the upper half that is the guest's: 256 to 271 are the hypervisor's and equal in all roots. */
const FIRST_UPPER_SLOT = 272
const SLOTS = 512

/** Whether two roots (host addresses) map the upper half alike, so that its translations survive a switch between them. */
export function sameUpperHalf(vcpu: VcpuMemory, a: number, b: number): boolean {
  const { i32 } = vcpu.views
  const [x, y] = [a >>> 2, b >>> 2]
  for (let n = FIRST_UPPER_SLOT * 2; n < SLOTS * 2; n += 2) {
    // Accessed and dirty bits are the processor's.
    if ((i32[x + n] ^ i32[y + n]) & ~0x60 || i32[x + n + 1] !== i32[y + n + 1]) return false
  }
  return true
}

/** After the kernel's root changed from `before` to `after` (host addresses). */
export function flushForKernelRoot(vcpu: VcpuMemory, before: number, after: number): void {
  if (before !== 0 && sameUpperHalf(vcpu, before, after)) vcpu.flushLowerHalf()
  else {
    vcpu.flushDataTlb(false)
    vcpu.flushExecuteTlb(false)
  }
}
