import { EINVAL } from '@paravane/core/abi'
import { dropLdtPages } from './ldt.ts'
import type { Mmu } from './mmu.ts'
import { RESTART } from './outcome.ts'
import { INFO, KERNEL_ROOT, PINNED, TYPE_L4, USER_ROOT } from './page-info.ts'
import { NO_FRAME } from './pte.ts'

/** MMUEXT_PIN_L1_TABLE to L4: the table keeps its type until it is unpinned. -EINVAL also if it is pinned already. */
export function pinTable(mmu: Mmu, level: number, gmfn: number): number {
  if (!mmu.enter()) return RESTART
  try {
    const rc = mmu.types.getPageAndType(gmfn, level)
    if (rc !== 0) return rc
    const at = mmu.info.record(gmfn) + INFO
    if ((mmu.info.i32[at] & PINNED) !== 0) {
      mmu.types.putPageAndType(gmfn)
      return -EINVAL
    }
    mmu.info.i32[at] |= PINNED
    return 0
  } finally {
    mmu.leave()
  }
}

export function unpinTable(mmu: Mmu, gmfn: number): number {
  if (!mmu.enter()) return RESTART
  try {
    if (!mmu.info.owns(gmfn)) return -EINVAL
    const at = mmu.info.record(gmfn) + INFO
    if ((mmu.info.i32[at] & PINNED) === 0) return -EINVAL
    mmu.info.i32[at] &= ~PINNED
    mmu.types.putPageAndType(gmfn)
    return 0
  } finally {
    mmu.leave()
  }
}

/** Root of a vCPU's kernel, or NO_FRAME before it has one. */
export function kernelRoot(mmu: Mmu, vcpu: number): number {
  return mmu.info.i32[mmu.info.vcpu(vcpu) + KERNEL_ROOT] - 1
}

/** Root of a vCPU's user mode, or NO_FRAME. */
export function userRoot(mmu: Mmu, vcpu: number): number {
  return mmu.info.i32[mmu.info.vcpu(vcpu) + USER_ROOT] - 1
}

/** MMUEXT_NEW_BASEPTR, a write to CR3, CR3 of VCPUOP_initialise. */
export function newBaseptr(mmu: Mmu, vcpu: number, gmfn: number): number {
  if (!mmu.enter()) return RESTART
  try {
    const rc = mmu.types.getPageAndType(gmfn, TYPE_L4)
    if (rc !== 0) return rc
    const before = kernelRoot(mmu, vcpu)
    if (before !== gmfn) dropLdtPages(mmu, vcpu)
    mmu.info.i32[mmu.info.vcpu(vcpu) + KERNEL_ROOT] = gmfn + 1
    mmu.hooks.setBaseptr(vcpu, gmfn)
    if (before !== NO_FRAME) mmu.types.putPageAndType(before)
    return 0
  } finally {
    mmu.leave()
  }
}

/** MMUEXT_NEW_USER_BASEPTR. Frame 0 takes the root away. */
export function newUserBaseptr(mmu: Mmu, vcpu: number, gmfn: number): number {
  if (!mmu.enter()) return RESTART
  try {
    const rc = gmfn === 0 ? 0 : mmu.types.getPageAndType(gmfn, TYPE_L4)
    if (rc !== 0) return rc
    const before = userRoot(mmu, vcpu)
    mmu.info.i32[mmu.info.vcpu(vcpu) + USER_ROOT] = gmfn === 0 ? 0 : gmfn + 1
    mmu.hooks.setUserBaseptr(vcpu, gmfn === 0 ? NO_FRAME : gmfn)
    if (before !== NO_FRAME) mmu.types.putPageAndType(before)
    return 0
  } finally {
    mmu.leave()
  }
}

/** Lets go of a vCPU's roots, which nothing may run on. For VCPUOP_reset and the end of a domain. */
export function dropRoots(mmu: Mmu, vcpu: number): number {
  if (!mmu.enter()) return RESTART
  try {
    dropLdtPages(mmu, vcpu)
    for (const which of [KERNEL_ROOT, USER_ROOT]) {
      const at = mmu.info.vcpu(vcpu) + which
      const root = mmu.info.i32[at] - 1
      mmu.info.i32[at] = 0
      if (root !== NO_FRAME) mmu.types.putPageAndType(root)
    }
    return 0
  } finally {
    mmu.leave()
  }
}
