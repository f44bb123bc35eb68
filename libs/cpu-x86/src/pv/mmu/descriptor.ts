import { FIRST_RESERVED_GDT_ENTRY, FLAT_KERNEL_CS } from '@paravane/core/abi'

// High word of a segment descriptor (SDM vol. 3 figure 3-8).
const PRESENT = 1 << 15
const DPL_SHIFT = 13
const DPL = 3 << DPL_SHIFT
/** Code or data, not a system descriptor. */
const SEGMENT = 1 << 12
const TYPE = 0xf00
const CALL_GATE = 0xc00
/** Reserved in a call gate: 64-bit ones have no parameter count. */
const GATE_RESERVED = 0xff

const DESCRIPTORS = 512

/**
 * Checks a descriptor in `words[at]` and `words[at + 1]` (low half first) and makes it fit for a guest that runs at CPL 3:
 * present ones get DPL 3, call gates DPL 0 with the DPL wanted in the RPL of their selector. False: it may not be installed.
 */
export function fixDescriptor(words: Int32Array, at: number): boolean {
  const low = words[at]
  const high = words[at + 1]
  if ((high & PRESENT) === 0) return true
  // Type 0 is harmless: the second half of a call gate.
  if ((high & (SEGMENT | TYPE)) === 0) return true
  if ((high & SEGMENT) !== 0) {
    if ((high & DPL) !== DPL) words[at + 1] = high | DPL
    return true
  }
  if ((high & TYPE) !== CALL_GATE || (high & GATE_RESERVED) !== 0) return false
  const selector = low >>> 16
  if (!mayBeCalled(selector)) return false
  words[at] = (low & 0xffff) | (((selector & ~3) | 3) << 16)
  words[at + 1] = high & ~DPL
  return true
}

/** A gate leads into the guest's part of the GDT, its LDT or the hypervisor's flat code segment. */
function mayBeCalled(selector: number): boolean {
  return selector >>> 3 < FIRST_RESERVED_GDT_ENTRY || selector === FLAT_KERNEL_CS || (selector & 4) !== 0
}

/** Checks and fixes all descriptors of a page. Stops at the first bad one. */
export function descriptorPageOkay(words: Int32Array, host: number): boolean {
  const first = host >>> 2
  for (let i = first; i < first + 2 * DESCRIPTORS; i += 2) if (!fixDescriptor(words, i)) return false
  return true
}
