import { executeIndex } from './execute-index.ts'
import { CPU, JUMPS, LOST, REGION, RETURNS, TLB, XTLB } from './layout.ts'
import { TlbBank, type TlbBankPlace } from './tlb-bank.ts'

/** Banks by mode. */
const [KERNEL, USER] = [0, 1] as const
const DATA: readonly TlbBankPlace[] = [
  { at: REGION.TLB_KERNEL, shape: TLB, used: REGION.USED_KERNEL },
  { at: REGION.TLB_USER, shape: TLB, used: REGION.USED_USER },
]
const EXECUTE: readonly TlbBankPlace[] = [
  { at: REGION.XTLB_KERNEL, shape: XTLB, used: REGION.XUSED_KERNEL },
  { at: REGION.XTLB_USER, shape: XTLB, used: REGION.XUSED_USER },
]
const TWO_32 = 0x1_0000_0000
const EMPTY = 0xffff_ffff_ffff_ffffn
const isUpper = (tag: bigint): boolean => tag >> 63n !== 0n

/** The views of one domain's memory that a thread works with. */
export class DomainViews {
  readonly memory: WebAssembly.Memory
  readonly u8: Uint8Array<ArrayBufferLike>
  readonly u16: Uint16Array<ArrayBufferLike>
  readonly i32: Int32Array<ArrayBufferLike>
  readonly u64: BigUint64Array<ArrayBufferLike>

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory
    this.u8 = new Uint8Array(memory.buffer)
    this.u16 = new Uint16Array(memory.buffer)
    this.i32 = new Int32Array(memory.buffer)
    this.u64 = new BigUint64Array(memory.buffer)
  }
}

/** Entries of an execute TLB. */
export interface ToldTlb {
  readonly words: Int32Array<ArrayBuffer>
  /** Nothing that was told before holds. */
  readonly isAll: boolean
}

/** How far an execute TLB was told. */
export interface ToldTo {
  readonly generation: number
  readonly listed: number | undefined
}

/** One vCPU's state in its domain's memory, by the names of layout.ts. */
export class VcpuMemory {
  readonly views: DomainViews
  readonly base: number
  readonly #i32: Int32Array<ArrayBufferLike>
  readonly #u64: BigUint64Array<ArrayBufferLike>
  readonly #data: readonly [TlbBank, TlbBank]
  readonly #execute: readonly [TlbBank, TlbBank]

  constructor(views: DomainViews, base: number) {
    this.views = views
    this.base = base
    this.#i32 = views.i32
    this.#u64 = views.u64
    const bank = (place: TlbBankPlace): TlbBank => new TlbBank(views, base, place)
    this.#data = [bank(DATA[KERNEL]), bank(DATA[USER])]
    this.#execute = [bank(EXECUTE[KERNEL]), bank(EXECUTE[USER])]
  }

  i32(offset: number): number {
    return this.#i32[(this.base + offset) >> 2]
  }

  setI32(offset: number, value: number): void {
    this.#i32[(this.base + offset) >> 2] = value
  }

  u64(offset: number): bigint {
    return this.#u64[(this.base + offset) >> 3]
  }

  setU64(offset: number, value: bigint): void {
    this.#u64[(this.base + offset) >> 3] = value
  }

  /** A u64 that is below 2^53. */
  number(offset: number): number {
    const at = (this.base + offset) >> 2
    return this.#i32[at + 1] * TWO_32 + (this.#i32[at] >>> 0)
  }

  /** Adds `n`, 0 to 2^31, to a u64. */
  add(offset: number, n: number): void {
    const at = (this.base + offset) >> 2
    const low = (this.#i32[at] >>> 0) + n
    this.#i32[at] = low
    if (low >= TWO_32) this.#i32[at + 1]++
  }

  gpr(n: number): bigint {
    return this.u64(CPU.GPR + n * 8)
  }

  setGpr(n: number, value: bigint): void {
    this.setU64(CPU.GPR + n * 8, value)
  }

  get rip(): bigint {
    return this.u64(CPU.RIP)
  }

  /** Also forgets the current record: the next run looks the address up. */
  set rip(value: bigint) {
    this.setU64(CPU.RIP, value)
    this.setI32(CPU.REC, 0)
  }

  /** Empties all TLBs, whatever was there before. */
  resetTlbs(): void {
    for (const bank of this.#data) bank.reset()
    for (const bank of this.#execute) bank.reset()
    this.setI32(CPU.JUMPS_LAST, JUMPS.LAST_GENERATION)
    this.forgetJumps()
  }

  /** Empties JUMPS and RETURNS. */
  forgetJumps(): void {
    this.#forgetJumps(false)
    this.#forgetJumps(true)
  }

  /** After anything was taken from a mode's execute TLB but by another page: what JUMPS and RETURNS have is or was in there. */
  #forgetJumps(user: boolean): void {
    const [own, other] = user ? [CPU.JUMPS_USER, CPU.JUMPS_KERNEL] : [CPU.JUMPS_KERNEL, CPU.JUMPS_USER]
    let next = this.i32(CPU.JUMPS_LAST) + 1
    if (next > JUMPS.LAST_GENERATION) {
      // Numbers come again: none may be left of those given out before.
      this.setI32(other, 0)
      next = 1
      this.views.u8.fill(0xff, this.base + REGION.JUMPS, this.base + REGION.JUMPS + JUMPS.BYTES)
      this.views.u8.fill(0xff, this.base + CPU.RETURNS, this.base + CPU.RETURNS + RETURNS.BYTES)
    }
    this.setI32(CPU.JUMPS_LAST, next)
    this.setI32(own, next)
    const lost = this.#lost(user)
    if (this.#i32[lost] !== 0) this.#i32.fill(0, lost, lost + LOST.BYTES / 4)
  }

  /** Index of LOST. */
  #lost(user: boolean): number {
    return (this.base + (user ? REGION.LOST_USER : REGION.LOST_KERNEL)) >> 2
  }

  /** Whether a page may have lost the entry of this index to another. */
  #hasLost(user: boolean, index: number): boolean {
    return (this.#i32[this.#lost(user) + LOST.BITS / 4 + (index >> 5)] & (1 << (index & 31))) !== 0
  }

  /** Empties both banks of the data and execute TLBs. */
  flushAll(): void {
    for (const bank of this.#data) bank.empty()
    this.flushExecuteTlb(false)
    this.flushExecuteTlb(true)
  }

  flushDataTlb(user: boolean): void {
    this.#data[user ? USER : KERNEL].empty()
  }

  flushExecuteTlb(user: boolean): void {
    this.#execute[user ? USER : KERNEL].empty()
    this.#forgetJumps(user)
  }

  /**
   * What the execute TLB of user mode has now: all, or what came since it was told last, if nothing is known to have gone since. What took
   * another's place is not told then.
   */
  tellUserTlb(last?: ToldTo): ToldTlb & ToldTo {
    const generation = this.i32(CPU.JUMPS_USER)
    const bank = this.#execute[USER]
    const { listed } = bank
    const from = last?.generation === generation ? last.listed : undefined
    const isMore = from !== undefined && listed !== undefined && listed >= from
    return { isAll: !isMore, words: bank.copy(isMore ? from : 0), generation, listed }
  }

  /** Drops the lower half's entries of the kernel's banks. */
  flushLowerHalf(): void {
    this.#data[KERNEL].emptyLowerHalf()
    const found = this.#execute[KERNEL].emptyLowerHalf()
    if (found || this.#i32[this.#lost(false)] !== 0) this.#forgetJumps(false)
  }

  /** Takes every write permission out of the data TLBs: the next store to each page asks again. */
  revokeWrites(): void {
    for (const bank of this.#data) bank.revokeWrites()
  }

  /** As `revokeWrites`, of the pages that map one frame. */
  revokeWritesTo(frameHost: number): void {
    for (const bank of this.#data) bank.revokeWrites(frameHost)
  }

  flushPage(va: bigint): void {
    const page = Number((va >> 12n) & 0xfffn)
    for (const bank of this.#data) bank.emptyPage(page)
    for (const [mode, bank] of this.#execute.entries()) {
      const user = mode === USER
      const found = bank.dropPage(va)
      if (found || this.#hasLost(user, executeIndex(va))) this.#forgetJumps(user)
    }
  }

  /** A page loses its entry to another. */
  #lose(user: boolean, index: number): void {
    const lost = this.#lost(user)
    this.#i32[lost] = 1
    this.#i32[lost + LOST.BITS / 4 + (index >> 5)] |= 1 << (index & 31)
  }

  /** An entry of the current mode's execute TLB, for code of its kind (COMPAT). */
  setExecuteEntry(page: bigint, codeTable: number, frameHost: number): void {
    const index = executeIndex(page)
    const entry = this.i32(CPU.XTLB) + index * XTLB.ENTRY
    const tag = (entry + XTLB.TAG) >> 3
    const isUser = this.i32(CPU.USER) !== 0
    const wanted = page | BigInt(this.i32(CPU.COMPAT))
    const before = this.#u64[tag]
    if (before !== EMPTY && before !== wanted) this.#lose(isUser, index)
    if (before === EMPTY || (isUpper(before) && !isUpper(wanted))) this.#execute[isUser ? USER : KERNEL].use(index)
    this.#u64[tag] = wanted
    this.#i32[(entry + XTLB.CODE_TABLE) >> 2] = codeTable
    this.#i32[(entry + XTLB.HOST) >> 2] = frameHost
  }
}
