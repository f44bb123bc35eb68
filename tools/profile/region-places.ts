import { CPU, JUMPS, REGION } from '../../libs/cpu-x86/src/state/layout.ts'

const TWO_32 = 0x1_0000_0000
const COMPAT_BIT = 1 << 31

/**
 * Where a vCPU's regions run, by its table of jumps between them, which is in shared memory: whatever thread made a region, and whenever,
 * it is there when it is run.
 * @param vcpu host address of its state, in `i32`
 * @param found takes a place in the function table, and an address of 48 bits
 */
export function regionPlaces(i32: Int32Array, vcpu: number, found: (slot: number, rip: number) => void): void {
  const generations = [CPU.JUMPS_KERNEL, CPU.JUMPS_USER].map((at) => i32[(vcpu + at) >> 2])
  const first = (vcpu + REGION.JUMPS) >> 2
  for (let at = first; at < first + JUMPS.BYTES / 4; at += JUMPS.ENTRY / 4) {
    // Of another generation it may be of code that is gone.
    if (!generations.includes(i32[at + JUMPS.GENERATION / 4] & ~COMPAT_BIT)) continue
    const rip = (i32[at + JUMPS.RIP / 4 + 1] & 0xffff) * TWO_32 + (i32[at + JUMPS.RIP / 4] >>> 0)
    found(i32[at + JUMPS.SLOT / 4], rip)
  }
}
