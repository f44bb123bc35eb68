import { EAGAIN, EINVAL } from '@paravane/core/abi'
import type { MmuMemory } from './mmu-memory.ts'
import type { PageInfo } from './page-info.ts'
import type { PageTypes } from './page-types.ts'
import { hasBadFlags, isXenSlot, PTE_A, PTE_D, PTE_P, sameReference } from './pte.ts'
import { type PteStore, pteStore } from './pte-store.ts'

/**
 * How an entry is stored beside walkers that set accessed and dirty bits: over them, keeping them, or only if the entry still
 * is what was read (-EAGAIN, with nothing done, if not).
 */
export type StoreMode = 'store' | 'preserve-ad' | 'exact'

/**
 * Replaces entries of validated tables: what the new entry needs is taken before it is stored, what the old one held is put
 * after. Callers hold the page lock; so nothing but accessed and dirty bits changes between reading and storing an entry.
 */
export class EntryWriter {
  readonly #info: PageInfo
  readonly #types: PageTypes
  readonly #memory: MmuMemory
  readonly #words: Int32Array
  readonly #pte: PteStore

  constructor(info: PageInfo, types: PageTypes, memory: MmuMemory) {
    this.#info = info
    this.#types = types
    this.#memory = memory
    this.#words = memory.i32
    this.#pte = pteStore(memory.memory)
  }

  /** Replaces what is in the slot now. @see replaceSeen */
  replace(level: number, table: number, slot: number, lo: number, hi: number, mode: StoreMode): number {
    const at = (this.#memory.frameHost(table) + slot * 8) >>> 2
    return this.replaceSeen(level, table, slot, lo, hi, mode, this.#words[at], this.#words[at + 1])
  }

  /**
   * @param level of the validated table `table`, a gmfn
   * @param oldLo, oldHi the entry as it was just read
   * @returns 0, RESTART, ABSENT or -errno: -EINVAL for slots of Xen, bad flags, tables of others and wrong types; -EBUSY and
   *   -EPERM for frames that an L1 may not map; -EAGAIN
   */
  replaceSeen(
    level: number,
    table: number,
    slot: number,
    lo: number,
    hi: number,
    mode: StoreMode,
    oldLo: number,
    oldHi: number,
  ): number {
    if (level === 4 && isXenSlot(slot)) return -EINVAL
    const host = this.#memory.frameHost(table) + slot * 8
    if ((lo & PTE_P) === 0) {
      if (!this.#store(level, host, lo, hi, mode, oldLo, oldHi)) return -EAGAIN
      this.#put(table, level, oldLo, oldHi)
      return 0
    }
    if (sameReference(lo, hi, oldLo, oldHi)) {
      if (hasBadFlags(level, lo)) return -EINVAL
      return this.#store(level, host, lo, hi, mode, oldLo, oldHi) ? 0 : -EAGAIN
    }
    const rc = level === 1 ? this.#types.getL1Target(lo, hi) : this.#types.getTableTarget(table, level, lo, hi)
    if (rc !== 0) return rc
    if (this.#store(level, host, lo, hi, mode, oldLo, oldHi)) {
      this.#put(table, level, oldLo, oldHi)
      return 0
    }
    this.#put(table, level, lo, hi)
    return -EAGAIN
  }

  /** A u64 into a frame that is no table. `host` is a multiple of 8. */
  storePlain(host: number, lo: number, hi: number): void {
    this.#pte.store(host, lo, hi)
  }

  #put(table: number, level: number, lo: number, hi: number): void {
    if ((lo & PTE_P) === 0) return
    if (level === 1) this.#types.putL1Target(lo, hi)
    else this.#types.putTableTarget(table, level, lo, hi)
  }

  #store(level: number, host: number, lo: number, hi: number, mode: StoreMode, oldLo: number, oldHi: number): boolean {
    if (!this.#tryStore(host, lo, hi, mode, oldLo, oldHi)) return false
    const isOfCode = (oldLo & PTE_P) !== 0 && (level > 1 || oldHi >= 0) && (lo !== oldLo || hi !== oldHi)
    if (isOfCode) this.#info.codeMapChanged()
    return true
  }

  #tryStore(host: number, lo: number, hi: number, mode: StoreMode, oldLo: number, oldHi: number): boolean {
    if (mode === 'exact') return this.#pte.exchange(host, oldLo, oldHi, lo, hi) !== 0
    if (mode === 'preserve-ad') {
      // Walkers only ever set the two bits, so this ends after two more rounds at most.
      let seen = oldLo
      while (this.#pte.exchange(host, seen, oldHi, lo | (seen & (PTE_A | PTE_D)), hi) === 0)
        seen = this.#words[host >>> 2]
    } else this.#pte.store(host, lo, hi)
    return true
  }
}
