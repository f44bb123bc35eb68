import { EINVAL } from '@paravane/core/abi'
import type { Mmu } from './mmu.ts'
import { ABSENT, RESTART } from './outcome.ts'
import { TYPE_WRITABLE } from './page-info.ts'
import { NO_FRAME } from './pte.ts'

const PAGE_BYTES = 4096

/**
 * MMUEXT_CLEAR_PAGE and MMUEXT_COPY_PAGE: fills a frame that is or may become writable with zeroes, or with the content of
 * any frame of the domain.
 * @param source NO_FRAME for zeroes
 */
function fillFrame(mmu: Mmu, gmfn: number, source: number): number {
  if (!mmu.enter()) return RESTART
  try {
    if (!mmu.info.owns(gmfn)) return -EINVAL
    const to = mmu.memory.frameHost(gmfn)
    const from = source === NO_FRAME ? to : mmu.memory.frameHost(source)
    if (to === 0 || from === 0) {
      mmu.types.absentFrame = to === 0 ? gmfn : source
      return ABSENT
    }
    const rc = mmu.types.getType(gmfn, TYPE_WRITABLE)
    if (rc !== 0) return rc
    if (source === NO_FRAME) mmu.memory.u8.fill(0, to, to + PAGE_BYTES)
    else mmu.memory.u8.copyWithin(to, from, from + PAGE_BYTES)
    mmu.hooks.written(gmfn, 0, PAGE_BYTES)
    mmu.types.putType(gmfn)
    return 0
  } finally {
    mmu.leave()
  }
}

export function clearPage(mmu: Mmu, gmfn: number): number {
  return fillFrame(mmu, gmfn, NO_FRAME)
}

export function copyPage(mmu: Mmu, gmfn: number, source: number): number {
  return mmu.info.owns(source) ? fillFrame(mmu, gmfn, source) : -EINVAL
}
