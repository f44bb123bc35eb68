import { bugOn } from '@paravane/core'

/** Types a frame can have (PGT_* of Xen); L1 to L4 are their level. */
export const TYPE_NONE = 0
export const TYPE_L1 = 1
export const TYPE_L4 = 4
export const TYPE_SEG_DESC = 5
export const TYPE_WRITABLE = 7

// The first word of a record: type, flags, and how far a validation got.
export const TYPE_MASK = 7
/** The domain's own RAM, or a frame of Xen's it may map. */
export const OWNED = 0x8
/** Owned by Xen and shared with the domain (shared_info, grant frames): writable for ever. */
export const XEN_HEAP = 0x10
/** MMUEXT_PIN_*: holds a type reference and a page reference. */
export const PINNED = 0x20
/** The content was checked against the type; every reference of its entries is held. */
export const VALIDATED = 0x40
/** Validation was interrupted; the entries before {@link PROGRESS_SHIFT} hold their references. The type count is 1, nobody's. */
export const PARTIAL = 0x80
/** A table whose type count fell to 0 and whose entries still hold their references; linked from the header. */
export const DYING = 0x100
export const PROGRESS_SHIFT = 16
export const FLAGS_MASK: number = (1 << PROGRESS_SHIFT) - 1

/** Words of a frame's record, from {@link PageInfo.record}. */
export const INFO = 0
export const TYPE_COUNT = 1
/** References: 1 for being the domain's, 1 for each entry, pin or root that names it. */
export const REF_COUNT = 2
/** Flush epoch in which the last reference or type was dropped; the link of a DYING table. */
export const STAMP = 3
/**
 * Linear page tables (linear-tables.ts): above 0, entries of this table that name other tables of its level; below, entries
 * of other tables of its level that name it.
 */
export const LINEAR = 4
const RECORD_WORDS = 5
export const RECORD_BYTES: number = RECORD_WORDS * 4

/** Words of the header. */
export const EPOCH = 0
/** gmfn + 1 of the first DYING table, 0 for none. */
export const DYING_HEAD = 1
/** How often an entry was replaced that code may have been run through: what TLBs have of code before is stale until flushed. */
export const CODE_MAPS = 2
const HEADER_WORDS = 16

/** Words of a vCPU's record. Roots are gmfn + 1, 0 for none. */
export const KERNEL_ROOT = 0
export const USER_ROOT = 1
export const LDT_LOW = 2
export const LDT_HIGH = 3
export const LDT_ENTRIES = 4
export const GDT_ENTRIES = 5
/** Frames of the GDT, 14 words: those of GDT_ENTRIES are valid. */
export const GDT_FRAMES = 6
/** Frames of the LDT in use, a word a page: gmfn + 1, 0 for none. */
export const LDT_FRAMES = 20
export const LDT_PAGES = 16
const VCPU_WORDS = LDT_FRAMES + LDT_PAGES

/** A 32-bit WebAssembly memory holds no more frames, and entries are read with this limit in mind (pte.ts). */
const MAX_GMFNS = 2 ** 20

/**
 * What the hypervisor knows of each frame of one domain and of the roots of its vCPUs: words in shared memory, zero to
 * begin with, changed under the domain's page lock only. The object holds nothing else; each thread makes its own.
 */
export class PageInfo {
  readonly nrGmfns: number
  readonly nrVcpus: number
  /** For hot paths: the records are at `i32[record(gmfn) + word]`. */
  readonly i32: Int32Array
  readonly #header: number
  readonly firstRecord: number

  static bytes(nrGmfns: number, nrVcpus: number): number {
    return 4 * (HEADER_WORDS + nrVcpus * VCPU_WORDS + nrGmfns * RECORD_WORDS)
  }

  /** @param offset of the records in `buffer`: bytes, a multiple of 4 */
  constructor(buffer: SharedArrayBuffer, offset: number, nrGmfns: number, nrVcpus: number) {
    bugOn(nrGmfns > MAX_GMFNS, 'a domain has at most 2^20 frames')
    this.i32 = new Int32Array(buffer)
    this.nrGmfns = nrGmfns
    this.nrVcpus = nrVcpus
    this.#header = offset >> 2
    this.firstRecord = this.#header + HEADER_WORDS + nrVcpus * VCPU_WORDS
  }

  /** Index of a frame's record; `gmfn` must be below nrGmfns. */
  record(gmfn: number): number {
    return this.firstRecord + gmfn * RECORD_WORDS
  }

  /** Index of a vCPU's record. */
  vcpu(vcpu: number): number {
    return this.#header + HEADER_WORDS + vcpu * VCPU_WORDS
  }

  /** Whether the domain may reference the frame at all. Takes any number. */
  owns(gmfn: number): boolean {
    return gmfn >= 0 && gmfn < this.nrGmfns && (this.i32[this.record(gmfn) + INFO] & OWNED) !== 0
  }

  type(gmfn: number): number {
    return this.i32[this.record(gmfn) + INFO] & TYPE_MASK
  }

  /** The level of a validated page table, 0 for any other frame. */
  tableLevel(gmfn: number): number {
    const info = this.i32[this.record(gmfn) + INFO]
    const type = info & TYPE_MASK
    return type >= TYPE_L1 && type <= TYPE_L4 && (info & (VALIDATED | DYING)) === VALIDATED ? type : 0
  }

  get epoch(): number {
    return this.i32[this.#header + EPOCH]
  }

  /** See CODE_MAPS. */
  get codeMaps(): number {
    return Atomics.load(this.i32, this.#header + CODE_MAPS)
  }

  /** After such an entry was replaced, and before anybody is asked to flush what he has of it. */
  codeMapChanged(): void {
    Atomics.add(this.i32, this.#header + CODE_MAPS, 1)
  }

  /** Every vCPU has just dropped all it had cached: nothing dropped earlier is stale any more. */
  nextEpoch(): void {
    this.i32[this.#header + EPOCH]++
  }

  pushDying(gmfn: number): void {
    this.i32[this.record(gmfn) + STAMP] = this.i32[this.#header + DYING_HEAD]
    this.i32[this.#header + DYING_HEAD] = gmfn + 1
  }

  /** NO_FRAME if there is none. */
  popDying(): number {
    const gmfn = this.i32[this.#header + DYING_HEAD] - 1
    if (gmfn >= 0) this.i32[this.#header + DYING_HEAD] = this.i32[this.record(gmfn) + STAMP]
    return gmfn
  }

  get hasDying(): boolean {
    return this.i32[this.#header + DYING_HEAD] !== 0
  }
}
