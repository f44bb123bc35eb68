import { EAGAIN } from '@paravane/core/abi'
import { describe, expect, it } from 'vitest'
import { addFrames, holdFrame, removeFrame, unholdFrame } from '../../src/pv/mmu/domain-frames.ts'
import { emulatePteWrite } from '../../src/pv/mmu/emulate-pte-write.ts'
import { dropRoots } from '../../src/pv/mmu/roots.ts'
import { type ExtraEntry, type ReferenceRecord, referenceCounts } from './reference-counts.ts'
import { SmallDomain } from './small-domain.ts'

const NO_ALLOCATOR = { hasRoom: () => true, allocate: () => -1, allocateShared: () => -1, free: () => {} }

const FRAMES = 40
const SLOTS = [0, 1, 2, 255, 256, 271, 511]
/** Frames the guest tends to use as tables of a level, first to last; 0 for its data. */
const BANDS = [
  [20, 39],
  [13, 19],
  [9, 12],
  [5, 8],
  [1, 4],
] as const
const WRITABLE = 7
const SEG_DESC = 5
const OPERATIONS = ['mmu_update', 'store', 'map', 'pin', 'unpin', 'kernel', 'user', 'gdt', 'hold', 'remove', 'clear']

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** A guest that tries everything, with a second bookkeeper that counts from nothing what must come of it. */
class RandomGuest {
  readonly domain: SmallDomain
  readonly owned = new Set(Array.from({ length: FRAMES - 1 }, (_, i) => i + 1))
  readonly pinned = new Map<number, number>()
  readonly roots = new Map<string, number>()
  gdt: number[] = []
  readonly holds: (readonly [number, boolean])[] = []
  /** Frames the engine may still have cached: for writing, as a table of a walk under way, in any way. */
  readonly cached = { writable: new Set<number>(), table: new Set<number>(), mapped: new Set<number>() }
  readonly succeeded = new Map<string, number>()
  /** Entries of one table that were linear at a time, or of others that named one. */
  mostLinear = 0
  /** Types of frames before the operation, and after it as the last count has it. */
  #types: ReadonlyMap<number, number> = new Map()
  #foreseen: ReadonlyMap<number, number> = new Map()
  readonly #random: (below: number) => number
  #asked = 0

  constructor(seed: number, tablesPerStretch?: number) {
    this.domain = SmallDomain.populated(FRAMES, tablesPerStretch)
    this.#random = random(seed)
  }

  #frame(): number {
    return this.#random(FRAMES + 2)
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#random(values.length)]
  }

  /** A frame to use at a level: mostly one a sensible guest would take. */
  #frameFor(level: number): number {
    const [first, last] = BANDS[level]
    return this.#random(8) > 0 ? first + this.#random(last - first + 1) : this.#frame()
  }

  /** An entry for a table of a level, mostly a good one. */
  #entryFor(level: number): [lo: number, hi: number] {
    if (level > 1 && this.#random(6) === 0) return [(this.#frameFor(level) << 12) | this.#pick([1, 1, 5, 0x21, 3]), 0]
    if (this.#random(5) === 0) return [(this.#frame() << 12) | this.#random(4096), this.#pick([0, 0x80000000 | 0, 1])]
    const target =
      level === 1 && this.#random(3) === 0 ? 1 + this.#random(FRAMES - 1) : this.#frameFor(Math.max(0, level - 1))
    const isData = target >= BANDS[0][0]
    const flags = level === 1 && !isData ? this.#pick([1, 0x25]) : this.#pick([1, 3, 7, 0x67, 0])
    return [(target << 12) | flags, this.#pick([0, 0, 0x80000000 | 0, 0x7ff00000])]
  }

  #table(): [gmfn: number, level: number] {
    const level = this.#random(5)
    return [this.#frameFor(level), level === 0 ? 1 : level]
  }

  #references(): (readonly [number, number])[] {
    return [
      ...[...this.pinned].map(([gmfn, level]) => [gmfn, level] as const),
      ...[...this.roots.values()].map((gmfn) => [gmfn, 4] as const),
      ...this.gdt.map((gmfn) => [gmfn, SEG_DESC] as const),
      ...this.holds.map(([gmfn, writable]) => [gmfn, writable ? WRITABLE : 0] as const),
    ]
  }

  #counts(
    more: readonly (readonly [number, number])[] = [],
    extra?: ExtraEntry,
  ): Map<number, ReferenceRecord> | undefined {
    const references = [...this.#references(), ...more]
    const counts = referenceCounts(this.domain, { owned: this.owned, references, before: this.#types }, extra)
    if (counts !== undefined)
      this.#foreseen = new Map([...counts].filter(([, { types }]) => types > 0).map(([gmfn, { type }]) => [gmfn, type]))
    return counts
  }

  /** The rule for every operation: it succeeds if what it takes fits beside all that is held now. */
  #judge(what: string, result: number, legal: boolean): boolean {
    expect({ what, ok: result === 0 }, `answered ${result}`).toEqual({ what, ok: legal })
    const kind = what.split(' ')[0]
    if (result !== 0) return false
    this.succeeded.set(kind, (this.succeeded.get(kind) ?? 0) + 1)
    this.#types = this.#foreseen
    return true
  }

  #levelOf(gmfn: number): number {
    const record = this.#counts()?.get(gmfn)
    return record !== undefined && record.types > 0 && record.type >= 1 && record.type <= 4 ? record.type : 0
  }

  #mayReplace(gmfn: number, slot: number, lo: number, hi: number): boolean {
    const level = this.#levelOf(gmfn)
    if (level === 0) return this.owned.has(gmfn) && this.#counts([[gmfn, WRITABLE]]) !== undefined
    if (level === 4 && slot >= 256 && slot <= 271) return false
    return this.#counts([], { table: gmfn, level, lo, hi }) !== undefined
  }

  #mmuUpdate(): void {
    const [gmfn, level] = this.#table()
    const [slot, [lo, hi], command] = [this.#pick(SLOTS), this.#entryFor(level), this.#pick([0, 2, 3])]
    const legal = this.#mayReplace(gmfn, slot, lo, hi)
    const value = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)
    const result = this.domain.mmuUpdate([[gmfn * 4096 + slot * 8 + command, value]])
    this.#judge(`mmu_update ${gmfn}[${slot}] ${value.toString(16)}`, result, legal)
  }

  #emulate(): void {
    const [gmfn, slot, [lo, hi]] = [this.#frameFor(1), this.#pick(SLOTS), this.#entryFor(1)]
    const bytes = new Uint8Array(Int32Array.of(lo, hi).buffer)
    const legal = this.#levelOf(gmfn) === 1 && this.#mayReplace(gmfn, slot, lo, hi)
    let result: number
    do result = emulatePteWrite(this.domain.mmu, gmfn, slot * 8, undefined, bytes)
    while (result === -EAGAIN)
    this.#judge(`store to ${gmfn}[${slot}]`, result, legal)
  }

  #updateVaMapping(): void {
    let table = this.roots.get('kernel 0')
    let va = 0n
    for (let level = 4; level > 1; level--) {
      const root = table
      const present = SLOTS.filter((slot) => root !== undefined && (this.domain.entry(root, slot)[0] & 1) !== 0)
      const slot = present.length > 0 && this.#random(10) > 0 ? this.#pick(present) : this.#pick(SLOTS)
      va = (va << 9n) | BigInt(slot)
      table = present.includes(slot) ? this.domain.entry(root as number, slot)[0] >>> 12 : undefined
    }
    const slot = this.#pick(SLOTS)
    va = ((va << 9n) | BigInt(slot)) << 12n
    const [lo, hi] = this.#entryFor(1)
    const legal = table !== undefined && this.#levelOf(table) === 1 && this.#mayReplace(table, slot, lo, hi)
    const pte = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)
    this.#judge(`map ${va.toString(16)}`, this.domain.mapVa(BigInt.asUintN(64, BigInt.asIntN(48, va)), pte), legal)
  }

  #pin(): void {
    const level = 1 + this.#random(4)
    const gmfn = this.#frameFor(level)
    const legal = this.owned.has(gmfn) && !this.pinned.has(gmfn) && this.#counts([[gmfn, level]]) !== undefined
    if (this.#judge(`pin L${level} ${gmfn}`, this.domain.mmuext(level - 1, gmfn), legal)) this.pinned.set(gmfn, level)
  }

  #unpin(): void {
    const gmfn = this.#frameFor(1 + this.#random(4))
    if (this.#judge(`unpin ${gmfn}`, this.domain.mmuext(4, gmfn), this.pinned.has(gmfn))) this.pinned.delete(gmfn)
  }

  #baseptr(): void {
    const [gmfn, vcpu, user] = [this.#frameFor(4), this.#random(2), this.#random(2) === 1]
    const which = `${user ? 'user' : 'kernel'} ${vcpu}`
    const none = user && gmfn === 0
    const legal = none || (this.owned.has(gmfn) && this.#counts([[gmfn, 4]]) !== undefined)
    if (!this.#judge(`${which} ${gmfn}`, this.domain.mmuext(user ? 15 : 5, gmfn, 0, vcpu), legal)) return
    if (none) this.roots.delete(which)
    else this.roots.set(which, gmfn)
  }

  #setGdt(): void {
    const frames = Array.from({ length: this.#random(3) }, () => this.#frameFor(0))
    const legal = this.#counts(frames.map((gmfn) => [gmfn, SEG_DESC])) !== undefined
    const result = this.domain.setGdt(frames, frames.length * 512)
    if (this.#judge(`gdt ${frames.join()}`, result, legal)) this.gdt = frames
  }

  #hold(): void {
    const held = this.holds.pop()
    if (held !== undefined && this.#random(2) === 0) {
      unholdFrame(this.domain.mmu, ...held)
      return
    }
    if (held !== undefined) this.holds.push(held)
    const [gmfn, writable] = [this.#frameFor(0), this.#random(2) === 0]
    const legal = this.owned.has(gmfn) && this.#counts([[gmfn, writable ? WRITABLE : 0]]) !== undefined
    const result = holdFrame(this.domain.mmu, gmfn, writable) ? 0 : -1
    if (this.#judge(`hold ${gmfn}`, result, legal)) this.holds.push([gmfn, writable])
  }

  #balloon(): void {
    const gmfn = this.#frameFor(0)
    if (gmfn > 0 && gmfn < FRAMES && !this.owned.has(gmfn)) {
      addFrames(this.domain.mmu, [gmfn])
      this.owned.add(gmfn)
      return
    }
    const removed = removeFrame(this.domain.mmu, gmfn, NO_ALLOCATOR)
    this.#seeRequests()
    const legal = this.owned.has(gmfn) && this.#counts()?.get(gmfn)?.refs === 1
    if (!this.#judge(`remove ${gmfn}`, removed ? 0 : -1, legal)) return
    expect(this.cached.mapped, `frame ${gmfn} leaves while it may be cached`).not.toContain(gmfn)
    this.owned.delete(gmfn)
  }

  #clear(): void {
    const gmfn = this.#frameFor(this.#random(3))
    const legal = this.owned.has(gmfn) && this.#counts([[gmfn, WRITABLE]]) !== undefined
    this.#judge(`clear ${gmfn}`, this.domain.mmuext(16, gmfn), legal)
  }

  /** Takes from the model of the engine's caches what the module has had flushed. */
  #seeRequests(): void {
    for (const request of this.domain.asked.slice(this.#asked)) {
      const [what, gmfn] = request.split(' ')
      if (what === 'revoke-writes') this.cached.writable.delete(Number(gmfn))
      if (what === 'end-walks') this.cached.table.delete(Number(gmfn))
      if (what === 'unmap' || request.endsWith('flush all')) for (const set of Object.values(this.cached)) set.clear()
    }
    this.#asked = this.domain.asked.length
  }

  /** The state is legal, all records agree with it, and nothing that may be cached contradicts a type. */
  check(): void {
    this.domain.mmu.enterAfterAll()
    this.domain.mmu.leave()
    this.#seeRequests()
    const counts = this.#counts()
    expect(counts, 'the page tables break a rule').toBeDefined()
    this.#types = this.#foreseen
    for (const [gmfn, { type, types, refs, linearEntries, linearUses }] of counts as Map<number, ReferenceRecord>) {
      const real = this.domain.counts(gmfn)
      expect(this.domain.linear(gmfn), `linear entries or uses of table ${gmfn}`).toBe(linearEntries - linearUses)
      this.mostLinear = Math.max(this.mostLinear, linearEntries, linearUses)
      if (real[1] !== types || real[2] !== refs || (types > 0 && real[0] !== type))
        expect({ gmfn, real }).toEqual({ gmfn, real: [type, types, refs] })
      const isTable = types > 0 && type !== WRITABLE
      if (isTable && this.cached.writable.has(gmfn)) expect.fail(`table ${gmfn} may still be cached writable`)
      if (types > 0 && type === WRITABLE && this.cached.table.has(gmfn)) expect.fail(`walks may still use ${gmfn}`)
      if (types > 0 && type === WRITABLE) this.cached.writable.add(gmfn)
      if (isTable && type !== SEG_DESC) this.cached.table.add(gmfn)
      if (refs > 1) this.cached.mapped.add(gmfn)
    }
  }

  step(): void {
    const kind = this.#random(100)
    if (kind < 50) this.#mmuUpdate()
    else if (kind < 56) this.#emulate()
    else if (kind < 64) this.#updateVaMapping()
    else if (kind < 76) this.#pin()
    else if (kind < 80) this.#unpin()
    else if (kind < 86) this.#baseptr()
    else if (kind < 89) this.#setGdt()
    else if (kind < 92) this.#hold()
    else if (kind < 96) this.#balloon()
    else if (kind < 99) this.#clear()
    else this.domain.mmuext(10)
    this.check()
  }

  /** Everything that holds a frame lets go, by the guest's own operations as far as there are any. */
  letGo(): void {
    for (const gmfn of this.pinned.keys()) expect(this.domain.mmuext(4, gmfn)).toBe(0)
    for (const vcpu of [0, 1]) {
      this.domain.mmu.types.startStretch()
      expect(dropRoots(this.domain.mmu, vcpu)).toBe(0)
    }
    expect(this.domain.call(2, [0, 0])).toBe(0)
    for (const held of this.holds) unholdFrame(this.domain.mmu, ...held)
  }
}

describe('a guest that tries everything', () => {
  it.each([
    [7, undefined],
    [2, undefined],
    [3, undefined],
    [4, undefined],
    [5, 1],
    [6, 2],
  ])('gets exactly what the rules allow, seed %i, tables in a stretch %s', (seed, tablesPerStretch) => {
    const guest = new RandomGuest(seed, tablesPerStretch)
    for (let i = 0; i < 1500; i++) guest.step()
    // Or it would prove little.
    expect(Math.min(...OPERATIONS.map((what) => guest.succeeded.get(what) ?? 0))).toBeGreaterThanOrEqual(5)
    expect(guest.mostLinear).toBeGreaterThan(0)
    guest.letGo()
    guest.domain.mmu.enterAfterAll()
    for (const gmfn of guest.owned)
      expect([...guest.domain.counts(gmfn).slice(1), guest.domain.linear(gmfn)], `frame ${gmfn}`).toEqual([0, 1, 0])
  })
})
