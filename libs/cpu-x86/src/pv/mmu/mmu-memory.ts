/** Where the tables that name frames lie in a domain's memory: byte offsets. */
export interface MmuMemoryInit {
  readonly memory: WebAssembly.Memory
  /** i32 a gmfn: host address of its frame, 0 while absent. */
  readonly physmap: number
  readonly nrGmfns: number
  /** u64 a gmfn: the pfn, as the guest sees it. */
  readonly m2p: number
}

/** One thread's views of a domain's memory for the PV MMU. Host addresses are byte offsets, unsigned. */
export class MmuMemory {
  readonly memory: WebAssembly.Memory
  readonly i32: Int32Array
  readonly u8: Uint8Array
  readonly nrGmfns: number
  readonly #physmap: number
  readonly #m2p: number

  constructor({ memory, physmap, nrGmfns, m2p }: MmuMemoryInit) {
    this.memory = memory
    this.i32 = new Int32Array(memory.buffer)
    this.u8 = new Uint8Array(memory.buffer)
    this.nrGmfns = nrGmfns
    this.#physmap = physmap >>> 2
    this.#m2p = m2p >>> 2
  }

  /** Host address of a frame, 0 if it is absent. `gmfn` must be below nrGmfns. */
  frameHost(gmfn: number): number {
    return this.i32[this.#physmap + gmfn] >>> 0
  }

  /** Sets the machine-to-physical entry: a u64 in halves. */
  setM2p(gmfn: number, lo: number, hi: number): void {
    const at = this.#m2p + gmfn * 2
    this.i32[at] = lo
    this.i32[at + 1] = hi
  }
}
