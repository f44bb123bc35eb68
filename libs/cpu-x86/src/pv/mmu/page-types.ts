import { bugOn } from '@paravane/core'
import { EBUSY, EINVAL, EPERM } from '@paravane/core/abi'
import { descriptorPageOkay } from './descriptor.ts'
import { putLinear, takeLinear } from './linear-tables.ts'
import type { MmuHooks } from './mmu-hooks.ts'
import type { MmuMemory } from './mmu-memory.ts'
import { ABSENT, isUnfinished, RESTART } from './outcome.ts'
import {
  DYING,
  FLAGS_MASK,
  INFO,
  OWNED,
  PARTIAL,
  type PageInfo,
  PROGRESS_SHIFT,
  REF_COUNT,
  STAMP,
  TYPE_COUNT,
  TYPE_L1,
  TYPE_L4,
  TYPE_MASK,
  TYPE_NONE,
  TYPE_SEG_DESC,
  TYPE_WRITABLE,
  VALIDATED,
} from './page-info.ts'
import { FIRST_XEN_SLOT, frameOf, hasBadFlags, LAST_XEN_SLOT, PTE_P, PTE_RW, TABLE_ENTRIES } from './pte.ts'

/** Tables validated or let go of before an operation answers RESTART: a millisecond or so. */
const TABLES_PER_STRETCH = 256

/**
 * Direct paging: the type and the references of each frame. A frame has one type at a time, counted; the type changes only at
 * count 0. An entry of a table holds a reference on its frame and the type it needs there: a writable mapping `writable`, an
 * entry of L(n) the type L(n-1). A table gets its type by having every entry checked (validated), and lets go of what its
 * entries hold some time after its count fell to 0: it is *dying* until then, in the list that {@link finish} works off.
 *
 * Stale translations: dropping a reference or type stamps the frame with the flush epoch. A frame that was writable (or a
 * page table) and becomes something else while its stamp is the current epoch may still be cached as what it was, so a
 * safepoint comes first. {@link PageInfo.nextEpoch} after a full flush of every vCPU makes all older stamps harmless.
 *
 * Callers hold the page lock. Frames with a table type are never made absent.
 */
export class PageTypes {
  /** Frame that the last ABSENT was about. */
  absentFrame = 0
  readonly #info: PageInfo
  readonly #i32: Int32Array
  readonly #memory: MmuMemory
  readonly #hooks: MmuHooks
  readonly #tablesPerStretch: number
  #budget = 0

  /** @param tablesPerStretch 1 or more */
  constructor(info: PageInfo, memory: MmuMemory, hooks: MmuHooks, tablesPerStretch: number = TABLES_PER_STRETCH) {
    this.#tablesPerStretch = tablesPerStretch
    this.#info = info
    this.#i32 = info.i32
    this.#memory = memory
    this.#hooks = hooks
  }

  /** A hypercall, or another entry into the hypervisor, begins: it may work through so many tables. */
  startStretch(): void {
    this.#budget = this.#tablesPerStretch
  }

  /** Lets go of dying tables. False: some are left, for the next stretch. */
  finish(): boolean {
    while (this.#info.hasDying) {
      if (this.#budget <= 0) return false
      this.#budget--
      this.#letGo(this.#info.popDying())
    }
    return true
  }

  /** A page reference. `gmfn` is any number; -EINVAL if the frame is not the domain's. */
  getPage(gmfn: number): number {
    if (!this.#info.owns(gmfn)) return -EINVAL
    this.#i32[this.#info.record(gmfn) + REF_COUNT]++
    return 0
  }

  putPage(gmfn: number): void {
    const at = this.#info.record(gmfn)
    this.#i32[at + STAMP] = (this.#i32[at + INFO] & DYING) !== 0 ? this.#i32[at + STAMP] : this.#info.epoch
    bugOn(--this.#i32[at + REF_COUNT] < 0, 'page reference put twice')
  }

  /** A page reference and a type reference, or neither. -EINVAL if the frame is not the domain's or is of another type. */
  getPageAndType(gmfn: number, type: number): number {
    if (!this.#info.owns(gmfn)) return -EINVAL
    const rc = this.getType(gmfn, type)
    if (rc === 0) this.#i32[this.#info.record(gmfn) + REF_COUNT]++
    return rc
  }

  putPageAndType(gmfn: number): void {
    this.putType(gmfn)
    this.putPage(gmfn)
  }

  /** A type reference to a frame of the domain. */
  getType(gmfn: number, type: number): number {
    const at = this.#info.record(gmfn)
    const info = this.#i32[at + INFO]
    if ((info & DYING) !== 0) return RESTART
    if (this.#i32[at + TYPE_COUNT] !== 0) {
      if ((info & TYPE_MASK) !== type) return -EINVAL
      // Whoever finishes an interrupted validation owns the type count that was nobody's.
      if ((info & PARTIAL) !== 0) return this.#validate(gmfn, type)
      this.#i32[at + TYPE_COUNT]++
      return 0
    }
    return (info & TYPE_MASK) === TYPE_WRITABLE && type === TYPE_WRITABLE
      ? this.#become(at, TYPE_WRITABLE)
      : this.#changeType(gmfn, at, type)
  }

  putType(gmfn: number): void {
    const at = this.#info.record(gmfn)
    const count = --this.#i32[at + TYPE_COUNT]
    bugOn(count < 0, 'type reference put twice')
    if (count > 0) return
    const info = this.#i32[at + INFO]
    const type = info & TYPE_MASK
    if (type >= TYPE_L1 && type <= TYPE_L4) {
      this.#i32[at + INFO] = info | DYING
      this.#info.pushDying(gmfn)
      return
    }
    this.#i32[at + INFO] = info & ~VALIDATED
    this.#i32[at + STAMP] = this.#info.epoch
  }

  /**
   * References for a present L1 entry: -EINVAL for bad flags, -EPERM where no frame is (a device's registers, to Xen), -EBUSY
   * for a frame that is not the domain's or cannot be mapped writable.
   */
  getL1Target(lo: number, hi: number): number {
    if (hasBadFlags(TYPE_L1, lo)) return -EINVAL
    const gmfn = frameOf(lo, hi)
    if (!this.#info.owns(gmfn)) return gmfn > 0 && gmfn < this.#info.nrGmfns ? -EBUSY : -EPERM
    const at = this.#info.record(gmfn)
    if ((lo & PTE_RW) !== 0) {
      const i32 = this.#i32
      if ((i32[at + INFO] & TYPE_MASK) === TYPE_WRITABLE) i32[at + TYPE_COUNT]++
      else {
        const rc = this.getType(gmfn, TYPE_WRITABLE)
        if (rc !== 0) return rc === RESTART ? rc : -EBUSY
      }
    }
    this.#i32[at + REF_COUNT]++
    return 0
  }

  putL1Target(lo: number, hi: number): void {
    const at = this.#info.record(frameOf(lo, hi))
    const i32 = this.#i32
    if ((lo & PTE_RW) !== 0) i32[at + TYPE_COUNT]--
    i32[at + REF_COUNT]--
    if ((i32[at + INFO] & DYING) === 0) i32[at + STAMP] = this.#info.epoch
  }

  /** References for a present entry of the table `table`, of `level` 2 to 4. */
  getTableTarget(table: number, level: number, lo: number, hi: number): number {
    if (hasBadFlags(level, lo)) return -EINVAL
    const target = frameOf(lo, hi)
    const rc = this.getPageAndType(target, level - 1)
    if (rc !== -EINVAL || !takeLinear(this.#info, table, level, target, lo)) return rc
    if (target !== table) this.#i32[this.#info.record(target) + REF_COUNT]++
    return 0
  }

  putTableTarget(table: number, level: number, lo: number, hi: number): void {
    const target = frameOf(lo, hi)
    if (target === table) return
    // The reference that is put has kept its type.
    if (this.#info.type(target) === level) putLinear(this.#info, table, target)
    this.putPageAndType(target)
  }

  /** After a frame's last use: nobody has it cached when this returns. */
  forget(gmfn: number): void {
    if (this.#i32[this.#info.record(gmfn) + STAMP] !== this.#info.epoch) return
    this.#hooks.safepoint('unmap', gmfn)
    this.#info.nextEpoch()
  }

  #become(at: number, type: number): number {
    this.#i32[at + INFO] = (this.#i32[at + INFO] & ~(TYPE_MASK | VALIDATED)) | type
    this.#i32[at + TYPE_COUNT] = 1
    return 0
  }

  #changeType(gmfn: number, at: number, type: number): number {
    const isTable = type !== TYPE_WRITABLE
    if (isTable && this.#budget <= 0) return RESTART
    if (isTable && this.#memory.frameHost(gmfn) === 0) {
      this.absentFrame = gmfn
      return ABSENT
    }
    const before = this.#i32[at + INFO] & TYPE_MASK
    if (
      before !== type &&
      before !== TYPE_NONE &&
      before !== TYPE_SEG_DESC &&
      this.#i32[at + STAMP] === this.#info.epoch
    )
      this.#hooks.safepoint(before === TYPE_WRITABLE ? 'revoke-writes' : 'end-walks', gmfn)
    this.#become(at, type)
    return isTable ? this.#validate(gmfn, type) : 0
  }

  /** On failure the frame has no type; if unfinished it is PARTIAL. */
  #validate(gmfn: number, type: number): number {
    const at = this.#info.record(gmfn)
    const host = this.#memory.frameHost(gmfn)
    const rc = type === TYPE_SEG_DESC ? this.#validateDescriptors(gmfn, host) : this.#validateTable(gmfn, type, host)
    if (isUnfinished(rc)) return rc
    const info = this.#i32[at + INFO] & FLAGS_MASK & ~PARTIAL
    this.#i32[at + INFO] = rc === 0 ? info | VALIDATED : info & ~TYPE_MASK
    if (rc !== 0) this.#i32[at + TYPE_COUNT] = 0
    return rc
  }

  #validateDescriptors(gmfn: number, host: number): number {
    if (!descriptorPageOkay(this.#memory.i32, host)) return -EINVAL
    this.#hooks.written(gmfn, 0, 4096)
    return 0
  }

  /** Takes what the entries need, from where PARTIAL says; says so again if one does not get finished. */
  #validateTable(gmfn: number, level: number, host: number): number {
    const at = this.#info.record(gmfn)
    const words = this.#memory.i32
    const first = host >>> 2
    const info = this.#i32[at + INFO]
    // Going on is free, or a short stretch might never come to the table below.
    if ((info & PARTIAL) === 0) this.#budget--
    if (level === TYPE_L4) words.fill(0, first + 2 * FIRST_XEN_SLOT, first + 2 * (LAST_XEN_SLOT + 1))
    const start = (info & PARTIAL) !== 0 ? info >>> PROGRESS_SHIFT : 0
    for (let slot = start; slot < TABLE_ENTRIES; slot++) {
      const lo = words[first + 2 * slot]
      if ((lo & PTE_P) === 0) continue
      const hi = words[first + 2 * slot + 1]
      const rc = level === TYPE_L1 ? this.getL1Target(lo, hi) : this.getTableTarget(gmfn, level, lo, hi)
      if (rc === 0) continue
      if (isUnfinished(rc)) this.#i32[at + INFO] = (info & FLAGS_MASK) | PARTIAL | (slot << PROGRESS_SHIFT)
      else this.#putEntries(gmfn, level, first, slot)
      return rc
    }
    return 0
  }

  #putEntries(gmfn: number, level: number, first: number, slots: number): void {
    const words = this.#memory.i32
    for (let i = first; i < first + 2 * slots; i += 2) {
      const lo = words[i]
      if ((lo & PTE_P) === 0) continue
      if (level === TYPE_L1) this.putL1Target(lo, words[i + 1])
      else this.putTableTarget(gmfn, level, lo, words[i + 1])
    }
  }

  /** Puts what a dying table's entries hold. Tables that die of it join the list. */
  #letGo(gmfn: number): void {
    const at = this.#info.record(gmfn)
    const level = this.#i32[at + INFO] & TYPE_MASK
    const host = this.#memory.frameHost(gmfn)
    bugOn(host === 0 || (this.#i32[at + INFO] & OWNED) === 0, 'a page table was taken away')
    this.#i32[at + INFO] &= ~(DYING | VALIDATED)
    this.#i32[at + STAMP] = this.#info.epoch
    this.#putEntries(gmfn, level, host >>> 2, TABLE_ENTRIES)
  }
}
