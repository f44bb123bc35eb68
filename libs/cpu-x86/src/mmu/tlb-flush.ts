import { REGION, TLB, XTLB } from '../state/layout.ts'
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

/** Drops the lower half's entries of the kernel's banks. */
export function flushLowerHalf(vcpu: VcpuMemory): void {
  const { i32 } = vcpu.views
  const data = (vcpu.base + REGION.TLB_KERNEL) >> 2
  for (let at = data; at < data + (TLB.BYTES >> 2); at += TLB.ENTRY >> 2) {
    if (i32[at + 1] >= 0) {
      i32[at] = -1
      i32[at + 1] = -1
      i32[at + 2] = -1
      i32[at + 3] = -1
    }
  }
  const code = (vcpu.base + REGION.XTLB_KERNEL) >> 2
  for (let at = code; at < code + (XTLB.BYTES >> 2); at += XTLB.ENTRY >> 2) {
    if (i32[at + 1] >= 0) {
      i32[at] = -1
      i32[at + 1] = -1
    }
  }
}

/** After the kernel's root changed from `before` to `after` (host addresses). */
export function flushForKernelRoot(vcpu: VcpuMemory, before: number, after: number): void {
  if (before !== 0 && sameUpperHalf(vcpu, before, after)) flushLowerHalf(vcpu)
  else {
    vcpu.flushDataTlb(false)
    vcpu.flushExecuteTlb(false)
  }
}
