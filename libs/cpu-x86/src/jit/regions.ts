import type { CodeCache } from '../cold/code-cache.ts'
import { type ColdTier, TABLE } from '../cold/cold-tier.ts'
import { headOfRegion, hotAfter, NEVER_HOT, REC } from '../cold/record.ts'
import type { Decode } from '../decode/decoder.ts'
import { inGuest } from '../mmu/safepoint.ts'
import { CPU } from '../state/layout.ts'
import type { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import { type CompiledRegion, CompiledRegions } from './compiled-regions.ts'
import { jumpTarget, type RegionCode, regionCode } from './region-code.ts'

/**
 * Compiled regions by content, shared by all domains of a thread: the same code compiles once. The decoder is the same for all of
 * them: a host has one CPU policy.
 */
const compiled = new CompiledRegions()

/** Jumps to a record until a region is asked for once more, for each that it took to ask first: until then it waits for others. */
const AGAIN = 4

export interface RegionsOptions {
  /** Regions of the vCPU; one more drops all its code, at most TABLE.REGIONS. */
  readonly most?: number | undefined
  /** They do not wait to be compiled with others, nor for a processor that has slept to be awake (waking.ts). */
  readonly atOnce?: boolean | undefined
}

/** Makes regions of hot code and puts them in this thread's table, in place of the record at their head. */
export class Regions {
  readonly #vcpu: VcpuMemory
  readonly #views: DomainViews
  readonly #tier: ColdTier
  readonly #cache: CodeCache
  readonly #most: number
  readonly #decode: Decode
  readonly #again: number
  readonly #atOnce: boolean
  /** Regions made or found compiled by this thread; for statistics. */
  count = 0
  /** CODE_EPOCH of the regions in this thread's table. */
  #epoch = 0

  constructor(
    vcpu: VcpuMemory,
    tier: ColdTier,
    cache: CodeCache,
    decode: Decode,
    { most = TABLE.REGIONS, atOnce = false }: RegionsOptions = {},
  ) {
    this.#vcpu = vcpu
    this.#views = vcpu.views
    this.#cache = cache
    this.#tier = tier
    this.#most = most
    this.#decode = decode
    this.#atOnce = atOnce
    this.#again = hotAfter(AGAIN * cache.hotThreshold)
  }

  /** Before a vCPU that another thread may have run is run here: its records may name places that hold something else here. */
  prepare(): void {
    const epoch = this.#vcpu.i32(CPU.CODE_EPOCH)
    if (epoch !== this.#epoch) this.#tier.forgetRegions()
    this.#epoch = epoch
    this.#tier.reserve(TABLE.FORMS + this.#vcpu.i32(CPU.NEXT_REGION))
  }

  /** The record at `offset` of the frame is hot: a region takes its place if one can begin there. */
  make(rec: number, frameHost: number, offset: number, mode: 32 | 64): void {
    const { i32, u16 } = this.#views
    const page = this.#page(frameHost)
    const code = regionCode(page, offset, mode, this.#decode)
    const good = code !== undefined && worthwhile(code)
    // Said now, while the record is surely there.
    u16[(rec + REC.HOT) >> 1] = good ? this.#again : NEVER_HOT
    const region = good && (this.#atOnce ? compiled.demand(code, page) : compiled.ask(code, page))
    if (!region) return
    const taken = this.#vcpu.i32(CPU.NEXT_REGION)
    if (taken >= this.#most) {
      inGuest(this.#vcpu, () => this.#cache.dropAll())
      return
    }
    this.#vcpu.setI32(CPU.NEXT_REGION, taken + 1)
    const slot = TABLE.FORMS + taken
    this.#install(slot, region)
    inGuest(this.#vcpu, () => {
      // Compiling takes long and is done outside: the code may have been changed and dropped meanwhile. Nothing is translated
      // meanwhile, as that is done by this thread.
      if (this.#cache.known(frameHost, offset) !== rec) return
      if (!this.#use(frameHost, code, page)) return
      u16[(rec + REC.HOT) >> 1] = NEVER_HOT
      i32[(rec + REC.FORM) >> 2] = slot
      u16[(rec + REC.HANDLER) >> 1] = headOfRegion(u16[(rec + REC.HANDLER) >> 1])
    })
  }

  /** Another thread made the region at this record: the same again from the same bytes, for this thread's table. */
  install(rec: number, frameHost: number, offset: number, mode: 32 | 64): void {
    const page = this.#page(frameHost)
    const code = regionCode(page, offset, mode, this.#decode)
    if (!code) return
    const slot = this.#views.i32[(rec + REC.FORM) >> 2]
    const region = compiled.demand(code, page)
    // It may go on into bytes that have changed since the other was made, which that does not use.
    const holds = (): boolean => this.#cache.known(frameHost, offset) === rec && this.#use(frameHost, code, page)
    if (inGuest(this.#vcpu, holds)) this.#install(slot, region)
  }

  /** From now on who changes bytes of the region drops it; false if it was late for that. In the guest. */
  #use(frameHost: number, code: RegionCode, page: Uint8Array): boolean {
    for (const { offset, next } of code.blocks) this.#cache.usedByRegion(frameHost, offset, next)
    // Who changed bytes before this had no way to know that they are used.
    return this.#isStill(frameHost, code, page)
  }

  /** A copy, read once: a region and its key are of the same bytes, whatever other vCPUs write meanwhile. */
  #page(frameHost: number): Uint8Array {
    return this.#views.u8.slice(frameHost, frameHost + 4096)
  }

  #isStill(frameHost: number, { blocks }: RegionCode, page: Uint8Array): boolean {
    const { u8 } = this.#views
    return blocks.every(({ offset, next }) => {
      for (let at = offset; at < next; at++) if (u8[frameHost + at] !== page[at]) return false
      return true
    })
  }

  #install(slot: number, region: CompiledRegion): void {
    this.#tier.installRegion(slot, region)
    this.count++
  }
}

/** Entering and leaving costs about as much as ten instructions in the cold loop: without a loop it must be longer than that. */
function worthwhile({ blocks }: RegionCode): boolean {
  const [{ offset, insns }] = blocks
  return blocks.length > 1 || insns.length >= 4 || insns.some((insn) => jumpTarget(insn) === offset)
}
