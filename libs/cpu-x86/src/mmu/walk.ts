import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'

/** What a walk is for. */
export const WALK = { READ: 0, WRITE: 1, EXECUTE: 2 } as const

/** Bits of a page fault's error code (SDM vol. 3 4.7). */
export const PF = { PRESENT: 1, WRITE: 2, USER: 4, RESERVED: 8, FETCH: 16 } as const

/** Outcome of a walk; one object a walker, overwritten by each. */
export interface Walk {
  /** Host address of the frame, 0 if the walk failed. */
  frame: number
  /** Page fault error code where `frame` is 0 and `absent` is -1. */
  error: number
  /** gmfn that is not there yet, else -1. */
  absent: number
  /** gmfn and host address of the leaf entry, and its low 32 bits; for emulated page-table writes. */
  gmfn: number
  slot: number
  entry: number
}

const M2P_LOW = 0xffff8000

/** In the physmap, instead of a frame's host address: no such frame; and: there is one, but it must be fetched. */
export const NO_FRAME = 0
export const ABSENT_FRAME = 1
/** No frame lies below. */
export const FIRST_FRAME = 4096

/**
 * Walks page tables in TypeScript, for everything that translated code leaves to it. Same rules as `fill` (fill.ts), which is
 * the fast path; this one says why an access fails. `root` is the host address of the top table.
 */
export class Walker {
  readonly #vcpu: VcpuMemory
  readonly result: Walk = { frame: 0, error: 0, absent: -1, gmfn: -1, slot: 0, entry: 0 }

  constructor(vcpu: VcpuMemory) {
    this.#vcpu = vcpu
  }

  /** `va` must be canonical. Sets accessed and dirty bits as the processor would. */
  walk(va: bigint, kind: number, user: boolean, root: number = this.#vcpu.i32(CPU.ROOT)): Walk {
    return this.walkHalves(Number(BigInt.asUintN(32, va)), Number(BigInt.asUintN(32, va >> 32n)), kind, user, root)
  }

  /** The same of an address in halves. */
  walkHalves(low: number, high: number, kind: number, user: boolean, root: number = this.#vcpu.i32(CPU.ROOT)): Walk {
    const r = this.result
    r.frame = 0
    r.absent = -1
    r.slot = 0
    r.error = (kind === WALK.WRITE ? PF.WRITE : kind === WALK.EXECUTE ? PF.FETCH : 0) | (user ? PF.USER : 0)
    if (high >>> 0 === M2P_LOW && low >>> 0 < this.#vcpu.i32(CPU.M2P_BYTES)) return this.#m2p(low, kind)
    return this.#tables(low, high, kind, user, root)
  }

  #m2p(low: number, kind: number): Walk {
    const r = this.result
    if (kind === WALK.READ) r.frame = this.#vcpu.i32(CPU.M2P) + (low & ~4095)
    else r.error |= PF.PRESENT
    return r
  }

  #tables(low: number, high: number, kind: number, user: boolean, root: number): Walk {
    const { i32 } = this.#vcpu.views
    const r = this.result
    const physmap = this.#vcpu.i32(CPU.PHYSMAP) >>> 2
    const limit = this.#vcpu.i32(CPU.NR_GMFNS)
    const indices = [(high >>> 7) & 511, ((high << 2) | (low >>> 30)) & 511, (low >>> 21) & 511, (low >>> 12) & 511]
    let table = root
    let writable = 2
    let noExecute = 0
    for (let level = 0; level < 4; level++) {
      const slot = (table + indices[level] * 8) >>> 2
      const entry = Atomics.load(i32, slot)
      const top = i32[slot + 1]
      if ((entry & 1) === 0) return r
      writable &= entry
      noExecute |= top
      const gmfn = (top & 0xfffff) * 0x100000 + (entry >>> 12)
      const frame = gmfn < limit ? i32[physmap + gmfn] >>> 0 : NO_FRAME
      if (frame < FIRST_FRAME) {
        if (frame === ABSENT_FRAME) r.absent = gmfn
        else r.error |= PF.PRESENT | PF.RESERVED
        return r
      }
      if (level === 3) {
        r.gmfn = gmfn
        r.slot = slot * 4
        r.entry = entry
        const refused =
          (kind === WALK.WRITE && (writable & 2) === 0) ||
          (user && (entry & 4) === 0) ||
          (kind === WALK.EXECUTE && noExecute < 0)
        if (refused) {
          r.error |= PF.PRESENT
          return r
        }
        Atomics.or(i32, slot, kind === WALK.WRITE ? 0x60 : 0x20)
        r.frame = frame
        return r
      }
      if ((entry & 0x20) === 0) Atomics.or(i32, slot, 0x20)
      table = frame
    }
    return r
  }
}
