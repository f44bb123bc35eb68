import type { Mmu } from './mmu.ts'
import { RESTART } from './outcome.ts'
import { LDT_ENTRIES, LDT_FRAMES, LDT_HIGH, LDT_LOW, LDT_PAGES, TYPE_SEG_DESC } from './page-info.ts'
import { NO_FRAME } from './pte.ts'

/**
 * Pages of a vCPU's LDT, which are typed as descriptor tables when a selector of them is first used and stay so until the LDT or
 * the kernel's root becomes another, whether they are mapped any longer or not (xen/arch/x86/pv/mm.c pv_map_ldt_shadow_page,
 * descriptor-tables.c pv_destroy_ldt).
 */

const slot = (mmu: Mmu, vcpu: number, page: number): number => mmu.info.vcpu(vcpu) + LDT_FRAMES + page

/** gmfn of a page in use, or NO_FRAME. */
export function ldtFrame(mmu: Mmu, vcpu: number, page: number): number {
  return mmu.info.i32[slot(mmu, vcpu, page)] - 1
}

/** False if the frame cannot be a descriptor table: it is mapped writable, is a page table, or holds a descriptor that is refused. */
export function mapLdtPage(mmu: Mmu, vcpu: number, page: number, gmfn: number): boolean {
  for (;;) {
    mmu.types.startStretch()
    if (!mmu.enter()) continue
    try {
      const rc = mmu.types.getPageAndType(gmfn, TYPE_SEG_DESC)
      if (rc === RESTART) continue
      if (rc !== 0) return false
      mmu.info.i32[slot(mmu, vcpu, page)] = gmfn + 1
      return true
    } finally {
      mmu.leave()
    }
  }
}

/**
 * The LDT is so many descriptors at a page-aligned address, in halves: its frames are typed later. The one it has already is
 * left alone, with its pages in use.
 */
export function setLdt(mmu: Mmu, vcpu: number, vaLo: number, vaHi: number, entries: number): number {
  if (!mmu.enter()) return RESTART
  try {
    const { i32 } = mmu.info
    const at = mmu.info.vcpu(vcpu)
    if (i32[at + LDT_LOW] === vaLo && i32[at + LDT_HIGH] === vaHi && i32[at + LDT_ENTRIES] === entries) return 0
    dropLdtPages(mmu, vcpu)
    i32[at + LDT_LOW] = vaLo
    i32[at + LDT_HIGH] = vaHi
    i32[at + LDT_ENTRIES] = entries
    mmu.hooks.setLdt(vcpu, vaLo, vaHi, entries)
    return 0
  } finally {
    mmu.leave()
  }
}

/** Lets go of the pages in use. The caller holds the page lock. */
export function dropLdtPages(mmu: Mmu, vcpu: number): void {
  for (let page = 0; page < LDT_PAGES; page++) {
    const gmfn = ldtFrame(mmu, vcpu, page)
    if (gmfn === NO_FRAME) continue
    mmu.info.i32[slot(mmu, vcpu, page)] = 0
    mmu.types.putPageAndType(gmfn)
  }
}
