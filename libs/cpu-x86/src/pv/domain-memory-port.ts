import { AbsentFrame, type DomainMemory } from '@paravane/core'
import { ABSENT_FRAME } from '../mmu/walk.ts'
import type { DomainMemoryPlan } from '../state/domain-memory.ts'
import type { DomainViews } from '../state/vcpu-memory.ts'

/** A PV domain's memory as core reaches it: by gmfn, through the physmap. */
export class PvDomainMemory implements DomainMemory {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly #plan: DomainMemoryPlan
  readonly #written: (frameHost: number, offset: number, length: number) => void

  constructor(
    views: DomainViews,
    plan: DomainMemoryPlan,
    written: (host: number, offset: number, length: number) => void,
  ) {
    this.bytes = views.u8 as Uint8Array
    this.words = views.i32 as Int32Array
    this.#plan = plan
    this.#written = written
  }

  frameOffset(gmfn: number): number {
    if (!(gmfn >= 0 && gmfn < this.#plan.gmfns)) return 0
    const host = this.words[(this.#plan.physmap >> 2) + gmfn] >>> 0
    if (host === ABSENT_FRAME) throw new AbsentFrame(gmfn)
    return host
  }

  written(gmfn: number, offset: number, length: number): void {
    const host = this.words[(this.#plan.physmap >> 2) + gmfn] >>> 0
    if (this.bytes[this.#plan.frameFlags + (host >>> 12)] !== 0) this.#written(host, offset, length)
  }
}
