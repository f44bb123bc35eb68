import type { CommandRow } from '@paravane/core'
import {
  EINVAL,
  ENOSYS,
  EPERM,
  MMU_MACHPHYS_UPDATE,
  MMU_NORMAL_PT_UPDATE,
  MMU_PT_UPDATE_NO_TRANSLATE,
  MMU_PT_UPDATE_PRESERVE_AD,
} from '@paravane/core/abi'
import type { Mmu } from './mmu.ts'
import { ABSENT, RESTART } from './outcome.ts'
import { TYPE_WRITABLE } from './page-info.ts'
import { frameOf, PTE_P } from './pte.ts'

/** `ptr` is a multiple of 8 but for the command: more low bits than the two commands need are none. */
const COMMAND_MASK = 7

export const MMU_UPDATE_COMMANDS: readonly CommandRow[] = [
  { cmd: MMU_NORMAL_PT_UPDATE, name: 'NORMAL_PT_UPDATE' },
  { cmd: MMU_MACHPHYS_UPDATE, name: 'MACHPHYS_UPDATE' },
  { cmd: MMU_PT_UPDATE_PRESERVE_AD, name: 'PT_UPDATE_PRESERVE_AD' },
  { cmd: MMU_PT_UPDATE_NO_TRANSLATE, name: 'PT_UPDATE_NO_TRANSLATE' },
]

/** Whose frames entries map: the caller's, or those of devices, which it has none of. */
export type Mapped = 'own' | 'devices'

/**
 * One request of HYPERVISOR_mmu_update, its two u64 in halves: an entry of a page table, checked by the type of the frame
 * it lies in; 8 bytes of a writable frame; or an entry of the M2P.
 * @returns 0, -errno, RESTART or ABSENT
 */
export function mmuUpdate(
  mmu: Mmu,
  ptrLo: number,
  ptrHi: number,
  valLo: number,
  valHi: number,
  mapped: Mapped = 'own',
): number {
  const command = ptrLo & COMMAND_MASK
  if (command > MMU_PT_UPDATE_NO_TRANSLATE) return -ENOSYS
  const gmfn = frameOf(ptrLo, ptrHi)
  if (!mmu.enter()) return RESTART
  try {
    if (!mmu.info.owns(gmfn)) return -EINVAL
    if (command === MMU_MACHPHYS_UPDATE) {
      mmu.memory.setM2p(gmfn, valLo, valHi)
      return 0
    }
    if (mapped === 'devices' && mmu.info.tableLevel(gmfn) !== 0 && valLo & PTE_P) return -EPERM
    return updateFrame(mmu, gmfn, ptrLo & 0xff8, valLo, valHi, command)
  } finally {
    mmu.leave()
  }
}

function updateFrame(mmu: Mmu, gmfn: number, offset: number, lo: number, hi: number, command: number): number {
  const host = mmu.memory.frameHost(gmfn)
  if (host === 0) {
    mmu.types.absentFrame = gmfn
    return ABSENT
  }
  const level = mmu.info.tableLevel(gmfn)
  if (level !== 0) {
    const mode = command === MMU_PT_UPDATE_PRESERVE_AD ? 'preserve-ad' : 'store'
    const rc = mmu.entries.replace(level, gmfn, offset >>> 3, lo, hi, mode)
    if (rc === 0) mmu.hooks.written(gmfn, offset, 8)
    return rc
  }
  const rc = mmu.types.getType(gmfn, TYPE_WRITABLE)
  if (rc !== 0) return rc
  mmu.entries.storePlain(host + offset, lo, hi)
  mmu.hooks.written(gmfn, offset, 8)
  mmu.types.putType(gmfn)
  return 0
}
