import { EINVAL, ENOMEM } from '../../src/abi/errno.ts'
import { createDomainState } from '../../src/domain/create-domain-state.ts'
import type { GuestDomain } from '../../src/domain/domain.ts'
import {
  DOMAIN,
  type DomainState,
  DomainState as State,
  VCPU,
  VCPU_INITIALISED,
  VCPU_UP,
} from '../../src/domain/domain-state.ts'
import { DOM0_OWNER } from '../../src/domain/shared-lock.ts'
import { GuestPorts } from '../../src/event-channel/guest-ports.ts'
import type { GuestAccess } from '../../src/hypercall/guest-handle.ts'
import type { DomainFrames, DomainMemory } from '../../src/memory/domain-memory.ts'

const PAGE = 4096
/** gmfn of the domain's frame 1, so that no test takes a gmfn for an index or an offset. */
export const GMFN_BASE = 0x100
/** Virtual address of PFN 0. */
export const VA_BASE = 0xffff_8880_0000_0000n
/** PFNs that exist from the start; the frames after them are free. */
export const PFNS = 24
const FRAMES = 96
/** Mapped read-only. */
export const READ_ONLY_PFN = 5
/** Not mapped at all. */
export const HOLE_PFN = 6

export const va = (pfn: number, offset = 0): bigint => VA_BASE + BigInt(pfn * PAGE + offset)
export const gmfnOf = (pfn: number): number => GMFN_BASE + pfn
const SHARED_INFO_GMFN = GMFN_BASE + FRAMES - 1

/** Bookkeeping of frames, in shared words so that every thread and every hash sees it: state, references, M2P. */
const FREE = 0
const GUEST = 1
const XEN = 2

/** Which accesses find their frame absent. */
export interface Absence {
  /** @throws AbsentFrame */
  touch(gmfn: number, writing: boolean): void
}
export const noAbsence: Absence = { touch: () => {} }

/** A domain without a processor: frames, an address space that never changes, and the hypervisor's records. */
export class MemoryDomain implements GuestDomain {
  readonly domid: number
  readonly state: DomainState
  readonly memory: DomainMemory
  readonly frames: DomainFrames
  readonly ports: GuestPorts
  readonly guest: GuestAccess
  readonly buffer: SharedArrayBuffer
  readonly frameWords: Int32Array
  absence: Absence = noAbsence

  /** @param shared of another thread's MemoryDomain, to reach the same domain from this one */
  constructor(domid: number, options = 0, shared?: { buffer: SharedArrayBuffer; state: SharedArrayBuffer }) {
    this.domid = domid
    // Frames, one unused in front so that no frame is at offset 0, and the bookkeeping behind.
    this.buffer = shared?.buffer ?? new SharedArrayBuffer((FRAMES + 1) * PAGE + FRAMES * 12)
    this.frameWords = new Int32Array(this.buffer, (FRAMES + 1) * PAGE)
    const bytes = new Uint8Array(this.buffer, 0, (FRAMES + 1) * PAGE)
    const words = new Int32Array(this.buffer, 0, ((FRAMES + 1) * PAGE) / 4)
    this.memory = {
      bytes,
      words,
      frameOffset: (gmfn) => {
        if (this.#kind(gmfn) === FREE) return 0
        if (this.#kind(gmfn) === GUEST && this.#references(gmfn) === 0) this.absence.touch(gmfn, false)
        return (gmfn - GMFN_BASE + 1) * PAGE
      },
      written: () => {},
    }
    this.frames = this.#makeFrames()
    this.guest = {
      read: (at, into) => this.#copy(at, into, false),
      write: (at, from) => this.#copy(at, from, true),
    }
    if (shared) {
      this.state = new State(shared.state)
    } else {
      this.state = createDomainState({ domid, nrVcpus: 4, maxPages: 40, sharedInfoFrame: SHARED_INFO_GMFN, options })
      for (let pfn = 0; pfn < PFNS; pfn++) this.#give(gmfnOf(pfn), GUEST, pfn)
      this.#give(SHARED_INFO_GMFN, XEN, -1)
      DOMAIN.totPages.store(this.state.memory, 0, PFNS)
      DOMAIN.lifecycle.store(this.state.memory, 0, 1)
      DOMAIN.paused.store(this.state.memory, 0, 0)
      VCPU.flags.store(this.state.memory, this.state.vcpu(0), VCPU_INITIALISED | VCPU_UP)
    }
    this.ports = new GuestPorts(this, DOM0_OWNER)
  }

  /** What another thread needs to reach the same domain. */
  get shared(): { buffer: SharedArrayBuffer; state: SharedArrayBuffer } {
    return { buffer: this.buffer, state: this.state.memory.buffer }
  }

  /** Bytes at a virtual address, as the guest would see them. */
  peek(at: bigint, length: number): DataView {
    const out = new Uint8Array(length)
    const { absence } = this
    this.absence = noAbsence
    this.guest.read(at, out)
    this.absence = absence
    return new DataView(out.buffer)
  }

  poke(at: bigint, bytes: Uint8Array): void {
    const { absence } = this
    this.absence = noAbsence
    this.guest.write(at, bytes)
    this.absence = absence
  }

  /** Owner, references and M2P entry of a frame. */
  frame(gmfn: number): { kind: number; references: number; pfn: number } {
    const at = (gmfn - GMFN_BASE) * 3
    const [kind = 0, references = 0, pfn = 0] = this.frameWords.subarray(at, at + 3)
    return { kind, references, pfn }
  }

  #copy(at: bigint, bytes: Uint8Array, writing: boolean): boolean {
    for (let done = 0; done < bytes.length; ) {
      const linear = at + BigInt(done) - VA_BASE
      if (linear < 0n || linear >= BigInt(PFNS * PAGE)) return false
      const pfn = Number(linear) >> 12
      if (pfn === HOLE_PFN || (writing && pfn === READ_ONLY_PFN)) return false
      const gmfn = gmfnOf(pfn)
      this.absence.touch(gmfn, writing)
      const within = Number(linear) & 4095
      const length = Math.min(bytes.length - done, PAGE - within)
      const start = (gmfn - GMFN_BASE + 1) * PAGE + within
      const host = this.memory.bytes.subarray(start, start + length)
      if (writing) host.set(bytes.subarray(done, done + length))
      else bytes.set(host, done)
      done += length
    }
    return true
  }

  #makeFrames(): DomainFrames {
    const allocate = (kind: number, pfn: number, order = 0): number => {
      const size = 2 ** order
      for (let gmfn = GMFN_BASE; gmfn + size <= GMFN_BASE + FRAMES; gmfn += size) {
        const run = Array.from({ length: size }, (_, i) => gmfn + i)
        if (!run.every((one) => this.#kind(one) === FREE)) continue
        for (const [i, one] of run.entries()) this.#give(one, kind, pfn < 0 ? pfn : pfn + i)
        return gmfn
      }
      return -1
    }
    const unused = (gmfn: number): boolean => {
      // The first PFNs are mapped for ever.
      const mapped = gmfn >= GMFN_BASE && gmfn < gmfnOf(PFNS)
      return !mapped && this.#kind(gmfn) === GUEST && this.#references(gmfn) === 0
    }
    const count = (by: number) => DOMAIN.totPages.add(this.state.memory, 0, by)
    return {
      limit: GMFN_BASE + FRAMES,
      populate: (pfn, order = 0) => {
        const pages = DOMAIN.totPages.load(this.state.memory, 0) + 2 ** order
        if (pages > DOMAIN.maxPages.load(this.state.memory, 0)) return -1
        const gmfn = allocate(GUEST, pfn, order)
        if (gmfn >= 0) count(2 ** order)
        return gmfn
      },
      unused,
      release: (gmfn) => {
        if (!unused(gmfn)) return false
        this.#give(gmfn, FREE, -1)
        count(-1)
        return true
      },
      exchange: (given, order, pfns) => {
        if (new Set(given).size < given.length || !given.every(unused)) return -EINVAL
        const fresh = pfns.map((pfn) => allocate(GUEST, pfn, order))
        const enough = !fresh.includes(-1)
        const unwanted = enough
          ? given
          : fresh.flatMap((gmfn) => (gmfn < 0 ? [] : Array.from({ length: 2 ** order }, (_, i) => gmfn + i)))
        for (const gmfn of unwanted) this.#give(gmfn, FREE, -1)
        return enough ? fresh : -ENOMEM
      },
      allocateShared: () => allocate(XEN, -1),
      get: (gmfn, writable) => {
        if (this.#kind(gmfn) === FREE || (writable && gmfn === gmfnOf(READ_ONLY_PFN))) return false
        this.frameWords[(gmfn - GMFN_BASE) * 3 + 1]! += 1
        return true
      },
      put: (gmfn) => {
        this.frameWords[(gmfn - GMFN_BASE) * 3 + 1]! -= 1
      },
    }
  }

  #kind(gmfn: number): number {
    return this.frameWords[(gmfn - GMFN_BASE) * 3] ?? FREE
  }

  #references(gmfn: number): number {
    return this.frameWords[(gmfn - GMFN_BASE) * 3 + 1] ?? 0
  }

  #give(gmfn: number, kind: number, pfn: number): void {
    const at = (gmfn - GMFN_BASE) * 3
    this.frameWords.set([kind, 0, pfn], at)
    this.memory.bytes.fill(0, (gmfn - GMFN_BASE + 1) * PAGE, (gmfn - GMFN_BASE + 2) * PAGE)
  }
}
