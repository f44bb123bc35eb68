import { EAGAIN, EINVAL } from '@paravane/core/abi'
import type { Mmu } from './mmu.ts'
import { RESTART } from './outcome.ts'

const entry = new Uint8Array(8)
const entryWords = new Int32Array(entry.buffer)

/**
 * A store of the guest's kernel that faulted on a read-only mapping of an L1 table ("writable page tables"), done as
 * mmu_update would.
 * @param offset in the frame; the store is naturally aligned, 1, 2, 4 or 8 bytes
 * @param oldBytes what a locked instruction read there: the store is done only while that is still so. Undefined for others
 * @returns 0: done, go on after the instruction. -EAGAIN: run the instruction again. Else the guest gets its page fault:
 *   -EINVAL if the frame is no L1 table or the store is misaligned, or whatever the check of the entry says
 */
export function emulatePteWrite(
  mmu: Mmu,
  gmfn: number,
  offset: number,
  oldBytes: Uint8Array | undefined,
  newBytes: Uint8Array,
): number {
  const size = newBytes.length
  if (size === 0 || size > 8 || (size & (size - 1)) !== 0 || offset % size !== 0 || offset + size > 4096) return -EINVAL
  mmu.types.startStretch()
  if (!mmu.enter()) return -EAGAIN
  try {
    if (!mmu.info.owns(gmfn) || mmu.info.tableLevel(gmfn) !== 1) return -EINVAL
    const slot = offset >>> 3
    const at = (mmu.memory.frameHost(gmfn) >>> 2) + slot * 2
    const [lo, hi] = [mmu.memory.i32[at], mmu.memory.i32[at + 1]]
    entryWords[0] = lo
    entryWords[1] = hi
    const within = offset & 7
    if (oldBytes !== undefined) for (let i = 0; i < size; i++) if (entry[within + i] !== oldBytes[i]) return -EAGAIN
    entry.set(newBytes, within)
    // A whole plain store goes over the walkers' bits; any other would lose those set since the read.
    const mode = oldBytes === undefined && size === 8 ? 'store' : 'exact'
    const rc = mmu.entries.replaceSeen(1, gmfn, slot, entryWords[0], entryWords[1], mode, lo, hi)
    if (rc === 0) mmu.hooks.written(gmfn, offset, size)
    return rc === RESTART ? -EAGAIN : rc
  } finally {
    mmu.leave()
  }
}
