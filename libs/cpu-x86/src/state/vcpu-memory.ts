import { CPU, REGION, TLB, XTLB } from './layout.ts'

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

/** One vCPU's state in its domain's memory, by the names of layout.ts. */
export class VcpuMemory {
  readonly views: DomainViews
  readonly base: number
  readonly #i32: Int32Array<ArrayBufferLike>
  readonly #u64: BigUint64Array<ArrayBufferLike>

  constructor(views: DomainViews, base: number) {
    this.views = views
    this.base = base
    this.#i32 = views.i32
    this.#u64 = views.u64
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

  /** Empties both banks of the data and execute TLBs. */
  flushAll(): void {
    const from = this.base + REGION.TLB_KERNEL
    this.views.u8.fill(0xff, from, from + 2 * TLB.BYTES + 2 * XTLB.BYTES)
  }

  flushDataTlb(user: boolean): void {
    const from = this.base + (user ? REGION.TLB_USER : REGION.TLB_KERNEL)
    this.views.u8.fill(0xff, from, from + TLB.BYTES)
  }

  flushExecuteTlb(user: boolean): void {
    const from = this.base + (user ? REGION.XTLB_USER : REGION.XTLB_KERNEL)
    this.views.u8.fill(0xff, from, from + XTLB.BYTES)
  }

  /** Takes every write permission out of the data TLBs: the next store to each page asks again. */
  revokeWrites(): void {
    const first = (this.base + REGION.TLB_KERNEL + TLB.WRITE_TAG) >> 3
    const last = (this.base + REGION.TLB_USER + TLB.BYTES) >> 3
    for (let i = first; i < last; i += TLB.ENTRY >> 3) this.#u64[i] = 0xffff_ffff_ffff_ffffn
  }

  /** As `revokeWrites`, of the pages that map one frame. */
  revokeWritesTo(frameHost: number): void {
    const i32 = this.#i32
    const first = (this.base + REGION.TLB_KERNEL) >> 2
    const last = first + (2 * TLB.BYTES) / 4
    for (let at = first; at < last; at += TLB.ENTRY / 4) {
      const page = i32[at + TLB.WRITE_TAG / 4]
      // An empty tag is all ones.
      if ((page & 0xfff) !== 0 || ((page + i32[at + TLB.ADDEND / 4]) ^ frameHost) !== 0) continue
      i32[at + TLB.WRITE_TAG / 4] = -1
      i32[at + TLB.WRITE_TAG / 4 + 1] = -1
    }
  }

  flushPage(va: bigint): void {
    const page = Number((va >> 12n) & 0xfffn)
    for (const bank of [REGION.TLB_KERNEL, REGION.TLB_USER]) {
      const at = (this.base + bank + page * TLB.ENTRY) >> 3
      this.#u64[at] = 0xffff_ffff_ffff_ffffn
      this.#u64[at + 1] = 0xffff_ffff_ffff_ffffn
    }
    for (const bank of [REGION.XTLB_KERNEL, REGION.XTLB_USER])
      this.#u64[(this.base + bank + (page & (XTLB.ENTRIES - 1)) * XTLB.ENTRY) >> 3] = 0xffff_ffff_ffff_ffffn
  }
}
