import { EINVAL } from '@paravane/core/abi'
import type { Mmu } from './mmu.ts'
import { RESTART } from './outcome.ts'
import { KERNEL_ROOT } from './page-info.ts'
import { frameOf, isXenSlot, NO_FRAME, PTE_P } from './pte.ts'

/**
 * The L1 table that maps an address (in halves) under a vCPU's kernel root; NO_FRAME if there is none, or the address is not
 * canonical or in the hypervisor's range. Every table on the way is a validated one.
 */
export function l1TableOf(mmu: Mmu, vcpu: number, vaLo: number, vaHi: number): number {
  const sign = vaHi >> 15
  const top = (vaHi >>> 7) & 511
  if ((sign !== 0 && sign !== -1) || isXenSlot(top)) return NO_FRAME
  const { info, memory } = mmu
  let table = info.i32[info.vcpu(vcpu) + KERNEL_ROOT] - 1
  if (table >= 0) table = tableBelow(memory.i32, memory.frameHost(table), top)
  if (table >= 0) table = tableBelow(memory.i32, memory.frameHost(table), ((vaHi & 0x7f) << 2) | (vaLo >>> 30))
  if (table >= 0) table = tableBelow(memory.i32, memory.frameHost(table), (vaLo >>> 21) & 511)
  return table >= 0 && info.tableLevel(table) === 1 ? table : NO_FRAME
}

function tableBelow(words: Int32Array, table: number, slot: number): number {
  const at = (table >>> 2) + slot * 2
  return (words[at] & PTE_P) !== 0 ? frameOf(words[at], words[at + 1]) : NO_FRAME
}

/**
 * HYPERVISOR_update_va_mapping without its flush: the L1 entry of an address under the vCPU's kernel root. All in halves.
 * @returns 0, -errno (-EINVAL also where no L1 table maps the address), RESTART or ABSENT
 */
export function updateVaMapping(
  mmu: Mmu,
  vcpu: number,
  vaLo: number,
  vaHi: number,
  pteLo: number,
  pteHi: number,
): number {
  if (!mmu.enter()) return RESTART
  try {
    const table = l1TableOf(mmu, vcpu, vaLo, vaHi)
    if (table < 0) return -EINVAL
    const slot = (vaLo >>> 12) & 511
    const rc = mmu.entries.replace(1, table, slot, pteLo, pteHi, 'store')
    if (rc === 0) mmu.hooks.written(table, slot * 8, 8)
    return rc
  } finally {
    mmu.leave()
  }
}
