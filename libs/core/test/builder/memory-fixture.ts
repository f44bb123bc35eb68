import type { GuestFrames } from '../../src/builder/guest-frames.ts'

/** Frames of a domain that exist once they are touched, and a p2m under which neighbours are no neighbours. */
export class SparseMemory implements GuestFrames {
  readonly #frames = new Map<number, Uint8Array>()
  readonly pages: number

  constructor(pages: number) {
    this.pages = pages
  }

  frame(pfn: number): Uint8Array {
    if (!Number.isInteger(pfn) || pfn < 0 || pfn >= this.pages) throw new Error(`PFN ${pfn} of ${this.pages}`)
    let frame = this.#frames.get(pfn)
    if (frame === undefined) {
      // Not at the start of its buffer, so that a missing byteOffset shows.
      frame = new Uint8Array(new ArrayBuffer(4096 + 64), 64, 4096)
      this.#frames.set(pfn, frame)
    }
    return frame
  }

  get touched(): number[] {
    return [...this.#frames.keys()].sort((a, b) => a - b)
  }

  /** Above 4 GiB of machine memory, so that numbers beyond 32 bits occur. */
  pfnToMfn = (pfn: number): number => MFN_BASE + (pfn ^ 0x2a5)

  mfnToPfn = (mfn: number): number => (mfn - MFN_BASE) ^ 0x2a5

  readMachine = (maddr: number): bigint => {
    const frame = this.frame(this.mfnToPfn(Math.floor(maddr / 4096)))
    return new DataView(frame.buffer, frame.byteOffset).getBigUint64(maddr % 4096, true)
  }
}

const MFN_BASE = 0x1_8000_0000
