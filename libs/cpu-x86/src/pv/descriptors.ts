import { FIRST_RESERVED_GDT_ENTRY } from '@paravane/core/abi'
import { canonical } from '../cold/slow-access.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import type { Exception } from './emulation.ts'
import { frameHost, inKernel } from './mode.ts'
import { PV, VECTOR } from './pv-state.ts'

/** A segment descriptor as the selector names it (SDM vol. 3 3.4.5). */
export interface Descriptor {
  readonly base: bigint
  /** In bytes, granularity applied. */
  readonly limit: number
  /** The second dword: type, DPL, P, L, D and the rest where LAR shows them. */
  readonly high: number
}

const PRESENT = 0x8000
const CODE_OR_DATA = 0x1000
const CODE = 0x0800
const LONG = 0x20_0000
const ACCESSED = 0x100

export const isPresent = (d: Descriptor): boolean => (d.high & PRESENT) !== 0
export const isSegment = (d: Descriptor): boolean => (d.high & CODE_OR_DATA) !== 0
export const isCode = (d: Descriptor): boolean => (d.high & CODE) !== 0
export const isLong = (d: Descriptor): boolean => (d.high & LONG) !== 0
export const privilege = (d: Descriptor): number => (d.high >> 13) & 3

/** Xen's own entries that guests use: 64-bit and 32-bit code, data; all flat and of ring 3. */
const RESERVED: Readonly<Record<number, number>> = { 57376: 0xcffb00, 57384: 0xcff300, 57392: 0xaffb00 }

/** Pages of an LDT in use: host address of page `page`, 0 if it cannot be used as one. */
export type LdtPages = (page: number) => number

/** Reads the vCPU's descriptor tables. */
export class Descriptors {
  readonly #vcpu: VcpuMemory
  readonly #ldtPages: LdtPages

  constructor(vcpu: VcpuMemory, ldtPages: LdtPages) {
    this.#vcpu = vcpu
    this.#ldtPages = ldtPages
  }

  /**
   * The descriptor of a selector; undefined for null ones and beyond the tables; the fault of a page of the LDT that is not there or
   * may not be used as one. @throws AbsentFrame
   */
  read(selector: number): Descriptor | Exception | undefined {
    if ((selector & 0xfffc) === 0) return undefined
    if ((selector & 4) === 0 && selector >> 3 >= FIRST_RESERVED_GDT_ENTRY) {
      const high = RESERVED[selector & 0xfff8]
      return high === undefined ? undefined : decode(0x0000ffff, high)
    }
    const at = this.#place(selector)
    if (typeof at !== 'number') return at
    const { i32 } = this.#vcpu.views
    return decode(i32[at], i32[at + 1])
  }

  /** The segment was loaded: sets its accessed bit. */
  touch(selector: number): void {
    if ((selector & 4) === 0 && selector >> 3 >= FIRST_RESERVED_GDT_ENTRY) return
    const at = this.#place(selector)
    if (typeof at === 'number') Atomics.or(this.#vcpu.views.i32, at + 1, ACCESSED)
  }

  /** Index of a descriptor in the views' `i32`. */
  #place(selector: number): number | Exception | undefined {
    const vcpu = this.#vcpu
    const index = selector >> 3
    const page = index >> 9
    let frame: number
    if (selector & 4) {
      if (index >= vcpu.i32(PV.LDT_ENTRIES)) return undefined
      frame = this.#ldtPages(page)
      if (frame === 0) return this.#ldtFault(selector)
    } else {
      if (index >= vcpu.i32(PV.GDT_ENTRIES)) return undefined
      frame = frameHost(vcpu, vcpu.i32(PV.GDT_FRAMES + page * 4))
      if (frame === 0) return undefined
    }
    return (frame + (index & 511) * 8) >>> 2
  }

  /** At the guest's address of the descriptor (xen/arch/x86/traps.c handle_ldt_mapping_fault). */
  #ldtFault(selector: number): Exception {
    const address = BigInt.asUintN(64, this.#vcpu.u64(PV.LDT_BASE) + BigInt(selector & 0xfff8))
    if (!canonical(address)) return { vector: VECTOR.GP, error: selector & 0xfffc }
    return { vector: VECTOR.PF, error: inKernel(this.#vcpu) ? 0 : 4, address }
  }
}

function decode(low: number, high: number): Descriptor {
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0
  const raw = (low & 0xffff) | (high & 0xf0000)
  return { base: BigInt(base), limit: high & 0x800000 ? (raw * 4096 + 4095) >>> 0 : raw, high }
}
