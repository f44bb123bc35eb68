import { FIRST_RESERVED_GDT_ENTRY } from '@paravane/core/abi'
import type { LinearMemory } from '../mmu/linear-memory.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { frameHost } from './mode.ts'
import { PV } from './pv-state.ts'

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

export const isPresent = (d: Descriptor): boolean => (d.high & PRESENT) !== 0
export const isSegment = (d: Descriptor): boolean => (d.high & CODE_OR_DATA) !== 0
export const isCode = (d: Descriptor): boolean => (d.high & CODE) !== 0
export const isLong = (d: Descriptor): boolean => (d.high & LONG) !== 0
export const privilege = (d: Descriptor): number => (d.high >> 13) & 3

/** Xen's own entries that guests use: 64-bit and 32-bit code, data; all flat and of ring 3. */
const RESERVED: Readonly<Record<number, number>> = { 57376: 0xcffb00, 57384: 0xcff300, 57392: 0xaffb00 }

/** Reads the vCPU's descriptor tables. */
export class Descriptors {
  readonly #vcpu: VcpuMemory
  readonly #memory: LinearMemory

  constructor(vcpu: VcpuMemory, memory: LinearMemory) {
    this.#vcpu = vcpu
    this.#memory = memory
  }

  /** The descriptor of a selector; undefined for null ones and beyond the tables. @throws AbsentFrame */
  read(selector: number): Descriptor | undefined {
    if ((selector & 0xfffc) === 0) return undefined
    const index = selector >> 3
    if (selector & 4) return this.#local(index)
    if (index >= FIRST_RESERVED_GDT_ENTRY) {
      const high = RESERVED[selector & 0xfff8]
      return high === undefined ? undefined : decode(0x0000ffff, high)
    }
    if (index >= this.#vcpu.i32(PV.GDT_ENTRIES)) return undefined
    const gmfn = this.#vcpu.i32(PV.GDT_FRAMES + (index >> 9) * 4)
    const { i32 } = this.#vcpu.views
    const frame = frameHost(this.#vcpu, gmfn)
    if (frame === 0) return undefined
    const at = (frame + (index & 511) * 8) >>> 2
    return decode(i32[at], i32[at + 1])
  }

  #local(index: number): Descriptor | undefined {
    if (index >= this.#vcpu.i32(PV.LDT_ENTRIES)) return undefined
    const bytes = new Uint8Array(8)
    if (this.#memory.asKernel(this.#vcpu.u64(PV.LDT_BASE) + BigInt(index * 8), bytes, false)) return undefined
    const view = new DataView(bytes.buffer)
    return decode(view.getInt32(0, true), view.getInt32(4, true))
  }
}

function decode(low: number, high: number): Descriptor {
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0
  const raw = (low & 0xffff) | (high & 0xf0000)
  return { base: BigInt(base), limit: high & 0x800000 ? raw * 4096 + 4095 : raw, high }
}
