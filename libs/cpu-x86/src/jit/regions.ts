import { bugOn } from '@paravane/core'
import { type CodeCache, WARM } from '../cold/code-cache.ts'
import { type ColdTier, TABLE } from '../cold/cold-tier.ts'
import { headOfRegion, hotAfter, isHeadOfRegion, isInstruction, NEVER_HOT, REC } from '../cold/record.ts'
import { OFTEN } from '../cold/region-loop.ts'
import type { Decode } from '../decode/decoder.ts'
import { inGuest } from '../mmu/safepoint.ts'
import { CPU } from '../state/layout.ts'
import type { DomainViews, VcpuMemory } from '../state/vcpu-memory.ts'
import {
  CodePages,
  formOf,
  frameOf,
  have,
  hold,
  note,
  type Place,
  placeBytes,
  REGION_PLACE,
  type ReadPage,
  recordOf,
  wasAskedWithin,
} from './code-pages.ts'
import type { Outcome } from './compile-request.ts'
import { type CompiledRegion, compiled, type FoundRegion, headOf, type Region } from './compiled-regions.ts'
import type { CompilerThread } from './compiler-thread.ts'
import { compileRegions, makeRegion } from './make-region.ts'
import { Rarity } from './rarity.ts'
import type { CodeMode, CodeSource } from './region-code.ts'
import { recentTargets } from './targets.ts'
import { isWarm } from './warmth.ts'

/** As many times the jumps that make a place hot are counted before it is asked about again, while its region is being made. */
const BEING_MADE = 8
/** As many times the jumps that make a place hot, where it has become so by waking (waking.ts). */
const LATER = 8
/** As many times of them lead to a place within a region before it gets one of its own. */
const COVERED = 8

/** How the vCPU runs code now. */
function modeOf(vcpu: VcpuMemory): CodeMode {
  return { bits: vcpu.i32(CPU.COMPAT) ? 32 : 64, isUser: vcpu.i32(CPU.USER) !== 0, isApart: false }
}

/** What begins so (`headOf`) is made with accesses that look for their pages themselves. */
const apart = new Set<number>()
const MOST_APART = 0x10000
/** Instructions of the vCPU for each time that a region may be left as its accesses are apart: that costs about as much as so many. */
const ONCE_IN = 800

/** Whether this thread knows a region that may be the one of a place. */
export function isCompiled(vcpu: VcpuMemory, frameHost: number, offset: number): boolean {
  const head = headOf(vcpu.views.u8, frameHost, offset, modeOf(vcpu))
  return compiled.has(head) || compiled.expects(head)
}

export interface RegionsOptions {
  /** Regions of the vCPU; one more drops all its code, at most TABLE.REGIONS. */
  readonly most?: number | undefined
  /**
   * They do not wait for code to be run before it becomes part of one, nor for a processor that has slept to be awake (waking.ts).
   */
  readonly atOnce?: boolean | undefined
  /** Jumps to a place in a second, below which it is too rare for a region to be compiled for it. */
  readonly rare?: number | undefined
  /** What compiles them while the vCPU runs on; without it the vCPU's thread does. */
  readonly compiler?: CompilerThread | undefined
}

/** What became of a place that the compiling thread was asked about; `region` if it is one. */
interface Answer {
  readonly rec: number
  readonly place: Place
  readonly outcome: Outcome
  readonly region: Region | undefined
}

/** Makes regions of hot code and puts them in this thread's table, in place of the record at their head. */
export class Regions {
  readonly #vcpu: VcpuMemory
  readonly #views: DomainViews
  readonly #tier: ColdTier
  readonly #cache: CodeCache
  readonly #most: number
  readonly #decode: Decode
  readonly #beingMade: number
  readonly #covered: number
  readonly #atOnce: boolean
  readonly #compiler: CompilerThread | undefined
  readonly #rarity: Rarity
  /** Records whose region is being made: the number of the request, or undefined if it has been hurried. */
  readonly #asked = new Map<number, number | undefined>()
  /** Records whose head is one of a kept region, and that was another's. */
  readonly #notKept = new Set<number>()
  #answers: Answer[] = []
  /** Regions made or found compiled by this thread; for statistics. */
  count = 0
  /** CODE_EPOCH of the regions in this thread's table. */
  #epoch = 0

  constructor(
    vcpu: VcpuMemory,
    tier: ColdTier,
    cache: CodeCache,
    decode: Decode,
    { most = TABLE.REGIONS, atOnce = false, compiler, rare = 0 }: RegionsOptions = {},
  ) {
    this.#vcpu = vcpu
    this.#views = vcpu.views
    this.#cache = cache
    this.#tier = tier
    this.#most = most
    this.#decode = decode
    this.#atOnce = atOnce
    this.#compiler = compiler
    this.#rarity = new Rarity(cache.hotThreshold, rare)
    this.#covered = hotAfter(COVERED * cache.hotThreshold)
    this.#beingMade = hotAfter(BEING_MADE * cache.hotThreshold)
  }

  /** Before a vCPU that another thread may have run is run here: its records may name places that hold something else here. */
  prepare(): void {
    const epoch = this.#vcpu.i32(CPU.CODE_EPOCH)
    if (epoch !== this.#epoch) {
      this.#tier.forgetRegions()
      this.#asked.clear()
      this.#rarity.forget()
      this.#notKept.clear()
    }
    this.#epoch = epoch
    this.#tier.reserve(TABLE.FORMS + this.#vcpu.i32(CPU.NEXT_REGION))
  }

  /** Takes what was compiled meanwhile into use. Outside the guest. */
  receive(): void {
    this.#compiler?.poll()
    if (this.#answers.length === 0) return
    // A frame's code is dropped by whoever looks it up in the other mode (CodeCache.tableOf).
    const isNow = ({ place: { mode } }: Answer): boolean => mode.bits === modeOf(this.#vcpu).bits
    const answers = this.#answers.filter(isNow)
    this.#answers = this.#answers.filter((one) => !isNow(one))
    for (const answer of answers) this.#take(answer)
  }

  /** The record at `offset` of the frame, which is at RIP, is hot: a region takes its place. */
  make(rec: number, frameHost: number): void {
    const place = this.#placeOf(frameHost)
    const hot = (rec + REC.HOT) >> 1
    this.#views.u16[hot] = NEVER_HOT
    if (this.#takeKnown(rec, place)) return
    if (this.#isRare(rec, place)) this.#views.u16[hot] = this.#rarity.jumps
    else if (this.#request(rec, place) === 'later') this.#views.u16[hot] = this.#beingMade
  }

  /** The record is hot by waking: no region is made of it yet. */
  later(rec: number, frameHost: number, offset: number): void {
    const jumps = isCompiled(this.#vcpu, frameHost, offset) ? WARM : this.#cache.hotThreshold
    this.#views.u16[(rec + REC.HOT) >> 1] = hotAfter(LATER * jumps)
  }

  /** The region at the record was left OFTEN times as its accesses are apart: if that is too often, another takes its place. */
  keepApart(rec: number, frameHost: number, offset: number, rip: bigint): void {
    if (!isHeadOfRegion(this.#views.u16[(rec + REC.HANDLER) >> 1])) return
    if (!wasAskedWithin(this.#vcpu, rec, OFTEN * ONCE_IN)) return
    if (apart.size === MOST_APART) apart.clear()
    apart.add(headOf(this.#views.u8, frameHost, offset, modeOf(this.#vcpu)))
    const place = this.#placeOf(frameHost, rip)
    if (!this.#takeKnown(rec, place)) this.#request(rec, place)
  }

  #isRare(rec: number, place: Place): boolean {
    // What is asked for again was looked at.
    return !this.#asked.has(rec) && !this.#mayBeKept(rec, place) && this.#rarity.isRare(rec)
  }

  /** Whether a region that was kept may be the place's: that costs little. */
  #mayBeKept(rec: number, { frameHost, rip, mode }: Place): boolean {
    return !this.#notKept.has(rec) && compiled.expects(headOf(this.#views.u8, frameHost, Number(rip & 0xfffn), mode))
  }

  /** Has the place's region made. */
  #request(rec: number, place: Place): 'now' | 'later' {
    if (this.#compiler?.isAlive) {
      this.#ask(this.#compiler, rec, place)
      return 'later'
    }
    this.#makeNow(rec, place, CodePages.around(this.#vcpu, place))
    return 'now'
  }

  /** @returns whether this thread knows a region of the place */
  #takeKnown(rec: number, place: Place): boolean {
    const { frameHost, rip, mode } = place
    const offset = Number(rip & 0xfffn)
    if (!compiled.has(headOf(this.#views.u8, frameHost, offset, mode))) return false
    const pages = CodePages.around(this.#vcpu, place)
    const known = compiled.find(offset, mode, (delta) => pages.bytes(delta))
    if (known) this.#place(rec, place, known, readPages(pages, known))
    return known !== undefined
  }

  /** Pages of the region at the record are not there, or are others: another takes its place. */
  again(rec: number, frameHost: number): void {
    const place = this.#placeOf(frameHost)
    this.#makeNow(rec, place, CodePages.around(this.#vcpu, place))
  }

  /**
   * Another thread made the region at this record: the same for this thread's table, or another in its place. Where the table has it, it
   * was left, and the body of the record's instruction is missing.
   */
  install(rec: number, frameHost: number, offset: number): void {
    const { i32 } = this.#views
    const slot = i32[(i32[(rec + REGION_PLACE.POINTER) >> 2] + REGION_PLACE.SLOT) >> 2]
    if (this.#tier.has(slot)) {
      this.#tier.install(formOf(this.#vcpu, rec))
      return
    }
    const pages = CodePages.ofRegion(this.#vcpu, frameHost, rec)
    const place = this.#placeOf(frameHost)
    const found = pages && this.#region(pages, place)
    if (found && inGuest(this.#vcpu, () => this.#use(found.region, readPages(pages, found)))) {
      this.#install(slot, found.region.compiled)
      this.count++
    } else if (!this.#makeNow(rec, place, CodePages.around(this.#vcpu, place)))
      // Code that was seen to be changed since: the record of a region is none of an instruction any more.
      inGuest(this.#vcpu, () => this.#cache.written(frameHost, offset, 1))
  }

  #placeOf(frameHost: number, rip: bigint = this.#vcpu.rip): Place {
    const mode = modeOf(this.#vcpu)
    const isApart = apart.has(headOf(this.#views.u8, frameHost, Number(rip & 0xfffn), mode))
    return { frameHost, rip, mode: { ...mode, isApart } }
  }

  #ask(compiler: CompilerThread, rec: number, place: Place): void {
    if (this.#asked.has(rec)) {
      const id = this.#asked.get(rec)
      if (id !== undefined) compiler.hurry(id)
      this.#asked.set(rec, undefined)
      return
    }
    const onlyKept = this.#mayBeKept(rec, place)
    const id = compiler.ask(this.#vcpu, place, this.#cache.hotThreshold, onlyKept, (outcome, region) => {
      // This may be another vCPU's turn.
      this.#answers.push({ rec, place, outcome, region })
    })
    this.#asked.set(rec, id)
  }

  #take({ rec, place, outcome, region }: Answer): void {
    this.#asked.delete(rec)
    switch (outcome.kind) {
      case 'region':
        this.#place(rec, place, { region: region as Region, offset: outcome.offset }, outcome.pages)
        break
      case 'not kept':
        this.#notKept.add(rec)
        this.#setHot(rec, place, this.#cache.hotThreshold)
        break
      case 'none':
        this.#setHot(rec, place, NEVER_HOT)
        break
      case 'covered':
        this.#setHot(rec, place, this.#covered)
        break
      case 'bug':
        bugOn(true, `a region could not be made: ${outcome.message}`)
    }
  }

  /** If the place still has the record. */
  #setHot(rec: number, { frameHost, rip }: Place, jumps: number): void {
    inGuest(this.#vcpu, () => {
      if (this.#cache.known(frameHost, Number(rip & 0xfffn)) === rec) this.#views.u16[(rec + REC.HOT) >> 1] = jumps
    })
  }

  /** @returns whether one can begin there */
  #makeNow(rec: number, place: Place, pages: CodePages): boolean {
    const found = this.#region(pages, place)
    if (found) this.#place(rec, place, found, readPages(pages, found))
    return found !== undefined
  }

  /**
   * The region takes the record's place, and those of records at its other entries, if all is still what it was.
   * @param pages by distance from the first entry's page
   */
  #place(
    rec: number,
    { frameHost, rip, mode }: Place,
    { region, offset }: FoundRegion,
    pages: readonly ReadPage[],
  ): void {
    const { entries, compiled: body } = region
    const first = this.#vcpu.i32(CPU.NEXT_REGION)
    if (first + entries.length > this.#most) {
      inGuest(this.#vcpu, () => this.#cache.dropAll())
      return
    }
    this.#vcpu.setI32(CPU.NEXT_REGION, first + entries.length)
    for (const n of entries.keys()) this.#install(TABLE.FORMS + first + n, body)
    this.count++
    inGuest(this.#vcpu, () => {
      // Compiling takes long and is done outside: the code may have been changed and dropped meanwhile.
      if (this.#cache.known(frameHost, Number(rip & 0xfffn)) !== rec || !this.#use(region, pages)) return
      this.#cool(region, pages)
      for (const [n, entry] of entries.entries()) {
        const head = entry.offset === offset ? rec : this.#freeHead(pages, entry.offset)
        if (head !== 0) this.#lead(head, TABLE.FORMS + first + n, mode, pages, entry.offset >> 12)
      }
    })
  }

  /** The record of an entry that belongs to no region yet, or 0. */
  #freeHead(pages: readonly ReadPage[], offset: number): number {
    const rec = recordOf(this.#vcpu, pages, offset)
    const handler = rec === 0 ? 0 : this.#views.u16[(rec + REC.HANDLER) >> 1]
    return rec !== 0 && isInstruction(handler) && !isHeadOfRegion(handler) ? rec : 0
  }

  /** From now on the record leads to the region in a place of the table. In the guest. */
  #lead(rec: number, slot: number, mode: CodeMode, pages: readonly ReadPage[], own: number): void {
    const { i32, u16 } = this.#views
    const at = this.#cache.allocate(placeBytes(pages.length - 1))
    // When there is no room for more translations all of them are dropped.
    if (at === 0) return
    note(this.#vcpu, at, slot, mode, pages, own)
    i32[(at + REGION_PLACE.FORM) >> 2] = formOf(this.#vcpu, rec)
    u16[(rec + REC.HOT) >> 1] = NEVER_HOT
    i32[(rec + REGION_PLACE.POINTER) >> 2] = at
    const handler = (rec + REC.HANDLER) >> 1
    // JUMPS may have the place of the region that was here.
    if (isHeadOfRegion(u16[handler])) this.#vcpu.forgetJumps()
    u16[handler] = headOfRegion(u16[handler])
  }

  /** One of these pages, known or compiled now; undefined if none can begin there. */
  #region(pages: CodePages, { rip, mode }: Place): FoundRegion | undefined {
    const offset = Number(rip & 0xfffn)
    const known = compiled.find(offset, mode, (delta) => pages.bytes(delta))
    if (known) return known
    const made = makeRegion(this.#source(pages, rip), offset, mode)
    if (!made) return undefined
    const { module } = compileRegions([made.body])
    const region = { ...made.facts, compiled: { module, name: '0' } }
    compiled.add(region)
    return { region, offset }
  }

  #source(pages: CodePages, rip: bigint): CodeSource {
    return {
      decode: this.#decode,
      page: (delta) => pages.bytes(delta),
      isReached: (to) => this.#atOnce || isWarm(this.#vcpu, pages.record(to), this.#cache.hotThreshold),
      isTranslated: (to) => this.#atOnce || pages.record(to) !== 0,
      targets: (offset) => recentTargets(this.#vcpu, rip, offset),
    }
  }

  /** What is jumped to within a region is not soon hot by itself. */
  #cool({ leaders }: Region, pages: readonly ReadPage[]): void {
    const { u16 } = this.#views
    for (const offset of leaders) {
      const rec = recordOf(this.#vcpu, pages, offset)
      const hot = (rec + REC.HOT) >> 1
      if (rec !== 0 && u16[hot] !== NEVER_HOT) u16[hot] = this.#covered
    }
  }

  /** From now on who changes bytes of the region drops it; false if it was late for that. */
  #use({ stretches }: Region, pages: readonly ReadPage[]): boolean {
    if (!hold(this.#vcpu, pages)) return false
    for (const { offset, bytes } of stretches) {
      const from = offset & 0xfff
      this.#cache.usedByRegion(frameOf(pages, offset), from, from + bytes.length)
    }
    // Who changed bytes before this had no way to know that they are used.
    return have(this.#vcpu, pages, stretches)
  }

  #install(slot: number, region: CompiledRegion): void {
    this.#tier.installRegion(slot, region)
  }
}

/** The pages of a region that was found among these, by distance from its first entry's. */
function readPages(pages: CodePages, { region, offset }: FoundRegion): ReadPage[] {
  return pages.read(region.pages, offset >> 12)
}
