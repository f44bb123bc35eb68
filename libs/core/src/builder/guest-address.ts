/** Bytes of a page, and of what one table of each level maps; index 0 is the page. */
export const PAGE_BYTES = 4096
export const LEVEL_BYTES: readonly number[] = [2 ** 12, 2 ** 21, 2 ** 30, 2 ** 39, 2 ** 48]

const HALF = 2 ** 47
/** End of L4 slots 256 to 271, which are Xen's (HYPERVISOR_VIRT_START .. HYPERVISOR_VIRT_END). */
const HYPERVISOR_END = HALF + 16 * 2 ** 39
const END = 2 ** 48

/**
 * The low 48 bits of a canonical virtual address, as a number: exact, ordered like the address, and an index into the page
 * tables. Undefined when the address is not canonical.
 */
export function linear48(va: bigint): number | undefined {
  const low = BigInt.asUintN(48, va)
  return BigInt.asUintN(64, BigInt.asIntN(48, low)) === va ? Number(low) : undefined
}

/** The virtual address, 64 bits wide, whose low 48 bits are `linear`. */
export function virtualAddress(linear: number): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(48, BigInt(linear)))
}

/** Whether [start, end), as of `linear48`, is the guest's to map: within one half and clear of the hypervisor's hole. */
export function isGuestRange(start: number, end: number): boolean {
  return (start >= 0 && end <= HALF) || (start >= HYPERVISOR_END && end <= END)
}

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`
}
