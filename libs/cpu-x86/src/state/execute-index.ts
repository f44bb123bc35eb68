import { XTLB } from './layout.ts'

/**
 * Index in an execute TLB of the page of an address. Bits above those of a TLB's size count too: a kernel's code, its code for the boot
 * and its modules lie 16 MiB apart, and run by turns. See `executeEntry` for the same in WebAssembly.
 */
export function executeIndex(va: bigint): number {
  const low = Number(BigInt.asUintN(32, va))
  return ((low >>> 12) ^ (low >>> 24)) & (XTLB.ENTRIES - 1)
}
