import { AbsentFrame, type GuestAccess, handleOkay } from '@paravane/core'
import { canonical, type Observed } from '../cold/slow-access.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { enterGuest, inGuest, leaveGuest } from './safepoint.ts'
import { WALK, type Walker } from './walk.ts'

/** A refused access: page fault error code and address; or an operand that is not all at canonical addresses. */
export interface AccessFault {
  /** 12 where the operand is in the stack segment. */
  readonly vector: 12 | 13 | 14
  readonly error: number
  readonly va: bigint
}

/** Of segments in compatibility mode. */
const COMPAT_LIMIT = 1n << 32n

/** Bytes that are sooner copied one by one. */
const FEW = 128

/** Told of bytes written by anything but translated code: drops translations, marks dirty. */
export type WrittenHook = (frameHost: number, offset: number, length: number) => void

/**
 * Guest memory by virtual address, page by page, from TypeScript: as the kernel (hypercalls, bounce frames) or as the current mode
 * (emulated instructions). Checks the whole range before it writes anything.
 */
export class LinearMemory {
  readonly #vcpu: VcpuMemory
  readonly #walker: Walker
  readonly #written: WrittenHook
  readonly #kernelRoot: () => number
  /** Where what `access` reaches is noted, while somebody watches. */
  observed: Observed[] | undefined

  constructor(vcpu: VcpuMemory, walker: Walker, kernelRoot: () => number, written: WrittenHook) {
    this.#vcpu = vcpu
    this.#walker = walker
    this.#written = written
    this.#kernelRoot = kernelRoot
  }

  /** Reads or writes as the vCPU's current mode; the fault if it may not. @throws AbsentFrame */
  access(va: bigint, bytes: Uint8Array, write: boolean): AccessFault | undefined {
    if (!this.#mayReach(va, bytes.length)) return { vector: 13, error: 0, va }
    this.observed?.push({ va, size: bytes.length, write })
    return this.#transfer(va, bytes, write, this.#vcpu.i32(CPU.USER) !== 0, this.#vcpu.i32(CPU.ROOT))
  }

  /** As translated code has it: no operand goes across 4 GiB in compatibility mode, and none has an end that is not canonical. */
  #mayReach(va: bigint, length: number): boolean {
    if (this.#vcpu.i32(CPU.COMPAT) !== 0) return va + BigInt(length) <= COMPAT_LIMIT
    return canonical(va) && canonical(BigInt.asUintN(64, va + BigInt(length - 1)))
  }

  /** The kernel's view, whatever mode the vCPU is in. */
  asKernel(va: bigint, bytes: Uint8Array, write: boolean): AccessFault | undefined {
    return this.#transfer(va, bytes, write, false, this.#kernelRoot())
  }

  /** The frame at `va` in the kernel's view, -1 if nothing is mapped there. @throws AbsentFrame */
  kernelFrame(va: bigint): number {
    if (!canonical(va)) return -1
    const w = inGuest(this.#vcpu, () => this.#walker.walk(va, WALK.READ, false, this.#kernelRoot()))
    if (w.absent >= 0) throw new AbsentFrame(w.absent)
    return w.frame === 0 ? -1 : w.gmfn
  }

  /** For hypercall arguments, which cannot lie in the M2P. Probes before it writes: a failed copy has written nothing. */
  readonly guest: GuestAccess = {
    read: (va, into) => handleOkay(va) && this.asKernel(va, into, false) === undefined,
    write: (va, from) => handleOkay(va) && this.asKernel(va, from, true) === undefined,
  }

  #transfer(va: bigint, bytes: Uint8Array, write: boolean, user: boolean, root: number): AccessFault | undefined {
    const low = Number(BigInt.asUintN(32, va))
    const offset = low & 4095
    if (bytes.length === 0 || offset + bytes.length > 4096) return this.#transferPages(va, bytes, write, user, root)
    let frame: number | AccessFault
    enterGuest(this.#vcpu)
    try {
      frame = this.#frame(va, write, user, root)
      if (typeof frame === 'number') this.#copy(bytes, frame + offset, write)
    } finally {
      leaveGuest(this.#vcpu)
    }
    if (typeof frame !== 'number') return frame
    if (write) this.#tellFrame(frame, offset, bytes.length)
    return undefined
  }

  #transferPages(va: bigint, bytes: Uint8Array, write: boolean, user: boolean, root: number): AccessFault | undefined {
    const frames: number[] = []
    const fault = inGuest(this.#vcpu, () => this.#copyPages(va, bytes, write, user, root, frames))
    if (write && !fault) this.#tell(Number(va & 4095n), bytes.length, frames)
    return fault
  }

  /** What lies in one page, as nearly everything does. */
  #copy(bytes: Uint8Array, at: number, write: boolean): void {
    const { u8 } = this.#vcpu.views
    const { length } = bytes
    if (length > FEW) {
      if (write) u8.set(bytes, at)
      else bytes.set(u8.subarray(at, at + length))
    } else if (write) for (let n = 0; n < length; n++) u8[at + n] = bytes[n]
    else for (let n = 0; n < length; n++) bytes[n] = u8[at + n]
  }

  /** Frames written to are put in `frames`. */
  #copyPages(
    va: bigint,
    bytes: Uint8Array,
    write: boolean,
    user: boolean,
    root: number,
    frames: number[],
  ): AccessFault | undefined {
    const first = Number(va & 4095n)
    for (let done = 0; done < bytes.length; done = (frames.length << 12) - first) {
      const at = BigInt.asUintN(64, va + BigInt(done))
      const frame = this.#frame(at, write, user, root)
      if (typeof frame !== 'number') return frame
      frames.push(frame)
    }
    const { u8 } = this.#vcpu.views
    let done = 0
    for (const frame of frames) {
      const offset = done === 0 ? first : 0
      const n = Math.min(4096 - offset, bytes.length - done)
      if (write) u8.set(bytes.subarray(done, done + n), frame + offset)
      else bytes.set(u8.subarray(frame + offset, frame + offset + n), done)
      done += n
    }
    return undefined
  }

  /** Of `length` bytes from `first` of the first frame on. May wait, and is not in the guest. */
  #tell(first: number, length: number, frames: readonly number[]): void {
    let done = 0
    for (const frame of frames) {
      const offset = done === 0 ? first : 0
      const n = Math.min(4096 - offset, length - done)
      this.#tellFrame(frame, offset, n)
      done += n
    }
  }

  #tellFrame(frame: number, offset: number, length: number): void {
    const { views } = this.#vcpu
    if (views.u8[this.#vcpu.i32(CPU.FRAME_FLAGS) + (frame >>> 12)] !== 0) this.#written(frame, offset, length)
  }

  #frame(va: bigint, write: boolean, user: boolean, root: number): number | AccessFault {
    const low = Number(BigInt.asUintN(32, va))
    const high = Number(BigInt.asUintN(32, va >> 32n))
    const sign = (high | 0) >> 15
    if (sign !== 0 && sign !== -1) return { vector: 13, error: 0, va }
    const w = this.#walker.walkHalves(low, high, write ? WALK.WRITE : WALK.READ, user, root)
    if (w.frame !== 0) return w.frame
    if (w.absent >= 0) throw new AbsentFrame(w.absent)
    return { vector: 14, error: w.error, va }
  }
}
