import type { CodeCache } from '../cold/code-cache.ts'
import { type ColdTier, TABLE } from '../cold/cold-tier.ts'
import { headOfRegion, hotAfter, NEVER_HOT, REC } from '../cold/record.ts'
import type { Decode } from '../decode/decoder.ts'
import { inGuest } from '../mmu/safepoint.ts'
import { CPU } from '../state/layout.ts'
import type { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import { CodePages, REGION_PLACE } from './code-pages.ts'
import { type CompiledRegion, CompiledRegions, type Region } from './compiled-regions.ts'
import { type CodeMode, type CodeSource, type RegionCode, regionCode, target } from './region-code.ts'
import { recentTargets } from './targets.ts'

/**
 * Compiled regions by content, shared by all domains of a thread: the same code compiles once. The decoder is the same for all of
 * them: a host has one CPU policy.
 */
const compiled = new CompiledRegions()

/** A part of the jumps that make a place hot, after which a region that waits for others is asked for once more. */
const AGAIN = 4
/** As many times of them lead to a place within a region before it gets one of its own. */
const COVERED = 8
/** A part of the jumps that make a place hot, after which it is taken into the regions of others. */
const WARM = 8

/** How the vCPU runs code now. */
function modeOf(vcpu: VcpuMemory): CodeMode {
  return { bits: vcpu.i32(CPU.COMPAT) ? 32 : 64, isUser: vcpu.i32(CPU.USER) !== 0 }
}

/** Whether this thread has compiled a region that may be the one of a place. */
export function isCompiled(vcpu: VcpuMemory, frameHost: number, offset: number): boolean {
  return compiled.hasHead(vcpu.views.u8, frameHost, offset, modeOf(vcpu))
}

export interface RegionsOptions {
  /** Regions of the vCPU; one more drops all its code, at most TABLE.REGIONS. */
  readonly most?: number | undefined
  /**
   * They do not wait to be compiled with others, nor for code to be run before it becomes part of one, nor for a processor that has
   * slept to be awake (waking.ts).
   */
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
  readonly #covered: number
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
    this.#covered = hotAfter(COVERED * cache.hotThreshold)
    this.#again = hotAfter(Math.max(1, Math.trunc(cache.hotThreshold / AGAIN)))
  }

  /** Before a vCPU that another thread may have run is run here: its records may name places that hold something else here. */
  prepare(): void {
    const epoch = this.#vcpu.i32(CPU.CODE_EPOCH)
    if (epoch !== this.#epoch) this.#tier.forgetRegions()
    this.#epoch = epoch
    this.#tier.reserve(TABLE.FORMS + this.#vcpu.i32(CPU.NEXT_REGION))
  }

  /** The record at `offset` of the frame, which is at RIP, is hot: a region takes its place. */
  make(rec: number, frameHost: number, offset: number): void {
    this.#make(rec, frameHost, offset, this.#atOnce)
  }

  /** Pages of the region at the record are not there, or are others: another takes its place. */
  again(rec: number, frameHost: number, offset: number): void {
    this.#make(rec, frameHost, offset, true)
  }

  /**
   * @param now the region does not wait for others
   * @returns whether one can begin there
   */
  #make(rec: number, frameHost: number, offset: number, now: boolean): boolean {
    const { i32, u16 } = this.#views
    const pages = CodePages.around(this.#vcpu, frameHost)
    const region = this.#region(pages, offset)
    // Said now, while the record is surely there.
    u16[(rec + REC.HOT) >> 1] = region ? this.#again : NEVER_HOT
    const code = region && compiled.ask(region, now)
    if (!code) return region !== undefined
    const taken = this.#vcpu.i32(CPU.NEXT_REGION)
    if (taken >= this.#most) {
      inGuest(this.#vcpu, () => this.#cache.dropAll())
      return true
    }
    this.#vcpu.setI32(CPU.NEXT_REGION, taken + 1)
    const slot = TABLE.FORMS + taken
    this.#install(slot, code)
    inGuest(this.#vcpu, () => {
      // Compiling takes long and is done outside: the code may have been changed and dropped meanwhile. Nothing is translated
      // meanwhile, as that is done by this thread.
      if (this.#cache.known(frameHost, offset) !== rec || !this.#use(region, pages)) return
      const places = this.#cache.allocate(REGION_PLACE.BYTES)
      if (places === 0) {
        this.#cache.dropAll()
        return
      }
      pages.note(places, slot, region.pages)
      u16[(rec + REC.HOT) >> 1] = NEVER_HOT
      this.#cool(region, pages)
      i32[(rec + REGION_PLACE.POINTER) >> 2] = places
      u16[(rec + REC.HANDLER) >> 1] = headOfRegion(u16[(rec + REC.HANDLER) >> 1])
    })
    return true
  }

  /** Another thread made the region at this record: the same for this thread's table, or another in its place. */
  install(rec: number, frameHost: number, offset: number): void {
    const { i32 } = this.#views
    const slot = i32[(i32[(rec + REGION_PLACE.POINTER) >> 2] + REGION_PLACE.SLOT) >> 2]
    const pages = CodePages.ofRegion(this.#vcpu, frameHost, rec)
    const region = pages && this.#region(pages, offset)
    if (region && inGuest(this.#vcpu, () => this.#use(region, pages)))
      this.#install(slot, compiled.ask(region, true) as CompiledRegion)
    else if (!this.#make(rec, frameHost, offset, false))
      // Code that was seen to be changed since: the record of a region is none of an instruction any more.
      inGuest(this.#vcpu, () => this.#cache.written(frameHost, offset, 1))
  }

  /** One of these pages, compiled or to be; undefined if none can begin there. */
  #region(pages: CodePages, offset: number): Region | undefined {
    const mode = modeOf(this.#vcpu)
    const bytes = (delta: number): Uint8Array | undefined => pages.bytes(delta)
    const known = compiled.find(offset, mode, bytes)
    if (known) return known
    const code = regionCode(this.#source(pages), offset, mode)
    return code && worthwhile(code) ? compiled.add(code, bytes) : undefined
  }

  #source(pages: CodePages): CodeSource {
    return {
      decode: this.#decode,
      page: (delta) => pages.bytes(delta),
      isReached: (to) => this.#atOnce || this.#isWarm(pages.record(to)),
      targets: (offset) => recentTargets(this.#vcpu, offset),
    }
  }

  /** Whether it was jumped to often enough to be worth its place in a region. */
  #isWarm(rec: number): boolean {
    if (rec === 0) return false
    const left = this.#views.u16[(rec + REC.HOT) >> 1]
    const { hotThreshold } = this.#cache
    // None or more than the threshold is left where it was reached already.
    return left === NEVER_HOT || left > hotThreshold || hotThreshold - left >= hotThreshold / WARM
  }

  /** What is jumped to within a region is not soon hot by itself. */
  #cool({ leaders }: Region, pages: CodePages): void {
    const { u16 } = this.#views
    for (const offset of leaders) {
      const rec = pages.record(offset)
      const hot = (rec + REC.HOT) >> 1
      if (rec !== 0 && u16[hot] !== NEVER_HOT) u16[hot] = this.#covered
    }
  }

  /** From now on who changes bytes of the region drops it; false if it was late for that. */
  #use({ pages: deltas, stretches }: Region, pages: CodePages): boolean {
    if (!pages.hold(deltas)) return false
    for (const { offset, bytes } of stretches) {
      const from = offset & 0xfff
      this.#cache.usedByRegion(pages.frame(offset >> 12), from, from + bytes.length)
    }
    // Who changed bytes before this had no way to know that they are used.
    return pages.have(stretches)
  }

  #install(slot: number, region: CompiledRegion): void {
    this.#tier.installRegion(slot, region)
    this.count++
  }
}

/** Entering and leaving costs about as much as ten instructions in the cold loop: without a loop it must be longer than that. */
function worthwhile({ blocks }: RegionCode): boolean {
  const [{ offset, insns }] = blocks
  return blocks.length > 1 || insns.length >= 4 || insns.some((insn) => target(insn) === offset)
}
