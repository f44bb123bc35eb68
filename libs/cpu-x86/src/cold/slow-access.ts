import { bugOn } from '@paravane/core'
import { WALK, type Walker } from '../mmu/walk.ts'
import { CPU, FRAME } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'

/** `refused`: the guest gets a page fault. `again`: run the instruction once more. */
export type Committed = 'done' | 'refused' | 'again'

/** What the rest of the engine does about accesses that need more than a walk. */
export interface SlowAccessHooks {
  /** A read-only page is written in kernel mode: whether the write is to be emulated (a page table) instead of faulting. */
  mayEmulate(gmfn: number): boolean
  /**
   * Commits an emulated write of bytes at `offset` of the frame. `old` is what the instruction read there, if it did. Both are the
   * callee's until it returns.
   */
  emulate(gmfn: number, offset: number, bytes: Uint8Array, old: Uint8Array | undefined): Committed
  /** Bytes of a frame that has flags were written. */
  written(frameHost: number, offset: number, length: number): void
}

/** An access that an instruction made. */
export interface Observed {
  readonly va: bigint
  readonly size: number
  readonly write: boolean
}

interface Piece {
  /** Offset in the access; its place in the bounce buffer once it is there. */
  at: number
  readonly length: number
  readonly frame: number
  readonly offset: number
  readonly gmfn: number
  readonly how: 'plain' | 'watched' | 'emulated'
  readonly va: bigint
}

/** General registers, flags and what follows them up to RFLAGS. */
const REGISTER_WORDS = (CPU.RFLAGS + 8) >> 2
/** RFLAGS.AC: CR0.AM is set, and guests run at CPL 3 altogether. */
const AC = 0x40000n
const ALIGNMENT_CHECK = 17
/** The limit of segments in compatibility mode. */
const FOUR_GIB = 1n << 32n
const OPEN = { WRITE: 1, READ_TOO: 2, STACK: 4 } as const

/** Some bytes that were taken out of memory; the next ones go over them. A kernel that forks takes 16,000 entries. */
class Taken {
  readonly #buffer = new ArrayBuffer(8)
  readonly #views = Array.from({ length: 9 }, (_, length) => new Uint8Array(this.#buffer, 0, length))

  take(u8: Uint8Array, at: number, length: number): Uint8Array {
    const view = this.#views[length]
    if (view === undefined) return u8.slice(at, at + length)
    for (let n = 0; n < length; n++) view[n] = u8[at + n]
    return view
  }
}

/**
 * Memory as the slow step sees it: each access is walked, put in a bounce buffer if it crosses a page or is watched, and written
 * back when the instruction has finished.
 */
export class SlowAccess {
  readonly #vcpu: VcpuMemory
  readonly #walker: Walker
  readonly #hooks: SlowAccessHooks
  readonly #pieces: Piece[] = []
  /** Bytes of the bounce buffer in use. */
  #used = 0
  readonly #registers = new Int32Array(REGISTER_WORDS)
  readonly #old = new Taken()
  readonly #new = new Taken()
  /** What an emulated write's place held, for instructions that read it too. */
  #seen: Uint8Array | undefined
  /** gmfn that a walk met and that is not there yet; the step then answers FAULT with this set. */
  absent = -1
  /** Where accesses are noted, while somebody watches. */
  observed: Observed[] | undefined

  constructor(vcpu: VcpuMemory, walker: Walker, hooks: SlowAccessHooks) {
    this.#vcpu = vcpu
    this.#walker = walker
    this.#hooks = hooks
  }

  begin(): void {
    this.#pieces.length = 0
    this.#used = 0
    this.#seen = undefined
    this.absent = -1
  }

  /** The import `slow` of step modules: (vCPU, size << 3 | how) with the address in ADDRESS -> host address, 0 for a fault. */
  open(info: number): number {
    const vcpu = this.#vcpu
    const va = vcpu.u64(CPU.ADDRESS)
    const size = info >> 3
    if (vcpu.i32(CPU.COMPAT) !== 0 && va + BigInt(size) > FOUR_GIB)
      return this.#fault(info & OPEN.STACK ? 12 : 13, 0, va)
    if (!canonical(va) || !canonical(BigInt.asUintN(64, va + BigInt(size - 1))))
      return this.#fault(info & OPEN.STACK ? 12 : 13, 0, va)
    const first = 4096 - Number(va & 4095n)
    const write = (info & OPEN.WRITE) !== 0
    this.observed?.push({ va, size, write })
    if (size <= first) {
      const piece = this.#piece(va, size, write, 0)
      if (!piece || this.#misaligned(va, size)) return 0
      // What is watched goes through the buffer, so that a repetition does one round of it.
      if (piece.how === 'plain' && !this.observed) return piece.frame + piece.offset
      return this.#bounce(info, piece)
    }
    const a = this.#piece(va, first, write, 0)
    if (!a) return 0
    const b = this.#piece(BigInt.asUintN(64, va + BigInt(first)), size - first, write, first)
    return b && !this.#misaligned(va, size) ? this.#bounce(info, a, b) : 0
  }

  /** #AC for words, doublewords and quadwords; operands of other sizes have rules of their own, or none. */
  #misaligned(va: bigint, size: number): boolean {
    if ((this.#vcpu.u64(CPU.RFLAGS) & AC) === 0n || size > 8 || (va & BigInt(size - 1)) === 0n) return false
    this.#fault(ALIGNMENT_CHECK, 0, va)
    return true
  }

  #piece(va: bigint, length: number, write: boolean, at: number): Piece | undefined {
    const user = this.#vcpu.i32(CPU.USER) !== 0
    const w = this.#walker.walk(va, write ? WALK.WRITE : WALK.READ, user)
    const offset = Number(va & 4095n)
    if (w.frame !== 0) {
      const flags = this.#vcpu.views.u8[this.#vcpu.i32(CPU.FRAME_FLAGS) + (w.frame >>> 12)]
      const how = write && flags & (FRAME.CODE | FRAME.LOG_DIRTY) ? 'watched' : 'plain'
      return { at, length, frame: w.frame, offset, gmfn: w.gmfn, how, va }
    }
    if (w.absent >= 0) {
      this.absent = w.absent
      return undefined
    }
    if (write && !user && w.error & 1 && w.slot !== 0 && (w.entry & 3) === 1 && this.#hooks.mayEmulate(w.gmfn)) {
      this.#keepRegisters()
      const frame = this.#vcpu.views.i32[(this.#vcpu.i32(CPU.PHYSMAP) >>> 2) + w.gmfn] >>> 0
      return { at, length, frame, offset, gmfn: w.gmfn, how: 'emulated', va }
    }
    this.#fault(14, w.error, va)
    return undefined
  }

  /** Before the instruction changes anything, as all its memory is opened first: an emulated write may be refused at its end. */
  #keepRegisters(): void {
    const { base, views } = this.#vcpu
    for (let n = 0; n < REGISTER_WORDS; n++) this.#registers[n] = views.i32[(base >> 2) + n]
  }

  restoreRegisters(): void {
    this.#vcpu.views.i32.set(this.#registers, this.#vcpu.base >> 2)
  }

  #fault(vector: number, error: number, va: bigint): 0 {
    this.#vcpu.setI32(CPU.VECTOR, vector)
    this.#vcpu.setI32(CPU.ERROR, error)
    this.#vcpu.setU64(CPU.ADDRESS, va)
    return 0
  }

  #bounce(info: number, piece: Piece, next?: Piece): number {
    const at = this.#vcpu.base + CPU.BOUNCE + this.#used
    this.#used = (this.#used + piece.length + (next?.length ?? 0) + 7) & ~7
    // The most is enter with 31 levels.
    bugOn(this.#used > CPU.BOUNCE_BYTES, 'an instruction holds more memory open than the bounce buffer has')
    this.#put(info, piece, at)
    if (next) this.#put(info, next, at)
    return at
  }

  #put(info: number, piece: Piece, bounce: number): void {
    const { u8 } = this.#vcpu.views
    const from = piece.frame + piece.offset
    piece.at += bounce
    u8.copyWithin(piece.at, from, from + piece.length)
    if ((info & OPEN.WRITE) === 0) return
    this.#pieces.push(piece)
    if (piece.how === 'emulated' && info & OPEN.READ_TOO) this.#seen = this.#old.take(u8, from, piece.length)
  }

  /** Writes back what the finished instruction left, while the frames that were found still hold (safepoint.ts). */
  writeBack(): void {
    const { u8 } = this.#vcpu.views
    if (this.#emulated()) return
    for (const p of this.#pieces) u8.copyWithin(p.frame + p.offset, p.at, p.at + p.length)
  }

  /** After `writeBack`, with the vCPU out of the guest: what the hooks do may wait. Refused: VECTOR says #PF. */
  commit(): Committed {
    const p = this.#emulated()
    if (!p) {
      for (const { how, frame, offset, length } of this.#pieces)
        if (how === 'watched') this.#hooks.written(frame, offset, length)
      return 'done'
    }
    // Only aligned writes are emulated (xen/arch/x86/pv/ro-page-fault.c ptwr_emulated_write): none crosses a page.
    const bytes = this.#new.take(this.#vcpu.views.u8, p.at, p.length)
    const outcome = this.#pieces.length > 1 ? 'refused' : this.#hooks.emulate(p.gmfn, p.offset, bytes, this.#seen)
    if (outcome === 'refused') this.#fault(14, 3, p.va)
    return outcome
  }

  /** The instruction's write goes through `SlowAccessHooks.emulate`. */
  get emulates(): boolean {
    return this.#emulated() !== undefined
  }

  #emulated(): Piece | undefined {
    for (const piece of this.#pieces) if (piece.how === 'emulated') return piece
    return undefined
  }
}

export function canonical(va: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, va)) === va
}
