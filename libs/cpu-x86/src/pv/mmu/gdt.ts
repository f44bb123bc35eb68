import { EINVAL, FIRST_RESERVED_GDT_ENTRY } from '@paravane/core/abi'
import { fixDescriptor } from './descriptor.ts'
import type { Mmu } from './mmu.ts'
import { ABSENT, RESTART } from './outcome.ts'
import { GDT_ENTRIES, GDT_FRAMES, TYPE_SEG_DESC, TYPE_WRITABLE } from './page-info.ts'
import { frameOf, NO_FRAME } from './pte.ts'

export const DESCRIPTORS_PER_FRAME = 512

/** Frame of page `page` of a vCPU's GDT; NO_FRAME past its end. */
export function gdtFrame(mmu: Mmu, vcpu: number, page: number): number {
  const at = mmu.info.vcpu(vcpu)
  const pages = Math.ceil(mmu.info.i32[at + GDT_ENTRIES] / DESCRIPTORS_PER_FRAME)
  return page >= 0 && page < pages ? mmu.info.i32[at + GDT_FRAMES + page] : NO_FRAME
}

/** Entries of a vCPU's GDT, without the hypervisor's. */
export function gdtEntries(mmu: Mmu, vcpu: number): number {
  return mmu.info.i32[mmu.info.vcpu(vcpu) + GDT_ENTRIES]
}

/**
 * HYPERVISOR_set_gdt: one frame for every 512 entries, each typed as a descriptor table. The frames before are let go of
 * only when all new ones are typed.
 * @param entries at most FIRST_RESERVED_GDT_ENTRY; 0 leaves none
 */
export function setGdt(mmu: Mmu, vcpu: number, frames: readonly number[], entries: number): number {
  if (entries > FIRST_RESERVED_GDT_ENTRY) return -EINVAL
  const count = Math.ceil(entries / DESCRIPTORS_PER_FRAME)
  if (!mmu.enter()) return RESTART
  try {
    for (let page = 0; page < count; page++) {
      const rc = mmu.types.getPageAndType(frames[page], TYPE_SEG_DESC)
      if (rc === 0) continue
      for (let taken = 0; taken < page; taken++) mmu.types.putPageAndType(frames[taken])
      return rc
    }
    const at = mmu.info.vcpu(vcpu)
    const before = Math.ceil(mmu.info.i32[at + GDT_ENTRIES] / DESCRIPTORS_PER_FRAME)
    for (let page = 0; page < Math.max(before, count); page++) {
      const old = mmu.info.i32[at + GDT_FRAMES + page]
      if (page < count) mmu.info.i32[at + GDT_FRAMES + page] = frames[page]
      if (page < before) mmu.types.putPageAndType(old)
    }
    mmu.info.i32[at + GDT_ENTRIES] = entries
    mmu.hooks.setGdt(vcpu, entries)
    return 0
  } finally {
    mmu.leave()
  }
}

const descriptor = new Int32Array(2)

/** HYPERVISOR_update_descriptor: one descriptor of a descriptor table, or of a frame that is writable. All in halves. */
export function updateDescriptor(mmu: Mmu, addressLo: number, addressHi: number, lo: number, hi: number): number {
  descriptor[0] = lo
  descriptor[1] = hi
  if ((addressLo & 7) !== 0 || !fixDescriptor(descriptor, 0)) return -EINVAL
  const gmfn = frameOf(addressLo, addressHi)
  if (!mmu.enter()) return RESTART
  try {
    if (!mmu.info.owns(gmfn)) return -EINVAL
    const host = mmu.memory.frameHost(gmfn)
    if (host === 0) {
      mmu.types.absentFrame = gmfn
      return ABSENT
    }
    const type = mmu.info.type(gmfn) === TYPE_SEG_DESC ? TYPE_SEG_DESC : TYPE_WRITABLE
    const rc = mmu.types.getType(gmfn, type)
    if (rc !== 0) return rc
    const offset = addressLo & 0xff8
    mmu.entries.storePlain(host + offset, descriptor[0], descriptor[1])
    mmu.hooks.written(gmfn, offset, 8)
    mmu.types.putType(gmfn)
    return 0
  } finally {
    mmu.leave()
  }
}
