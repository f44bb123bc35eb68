import { CPU, JUMPS, REGION } from '../../libs/cpu-x86/src/state/layout.ts'

const GENERATION = JUMPS.COMPAT - 1

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
    const [low, high] = i32.subarray(at + JUMPS.KEY / 4)
    // Of another generation it may be of code that is gone.
    if (!generations.includes(low & GENERATION)) continue
    found(i32[at + JUMPS.SLOT / 4], (high >>> 0) * 0x1_0000 + (low >>> 16))
  }
}
