/** Regions are of pages that may go, come back, be others, or lie in each other's place of the execute TLB. */
import { describe, expect, test } from 'vitest'
import { PTE } from '../../src/mmu/walk-code.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { Random } from '../programs/random.ts'
import { type Tier, tiers } from '../run/tiers.ts'
import { Assembler } from './assembler.ts'

/** In what pages differ that have one entry of the execute TLB (state/execute-index.ts). */
const ALIAS = (1n << 24n) | (1n << 12n)
const CALLERS = [0x400000n, 0x480000n, 0x400000n ^ ALIAS]
/** Functions, of which each begins its page; the second and third take each other's place, and so do the first and a caller. */
const FUNCTIONS = [0x480000n ^ ALIAS, 0x410000n, 0x410000n ^ ALIAS, 0x411000n]
const STACK = 0x500000n
const TURNS = 12
const NOT_PRESENT = 0x10

/** Frames of functions: what they add, and whether they go on at the start of the next page. */
interface Content {
  readonly frame: number
  adds: number
  readonly goesOn: boolean
}

interface Page {
  content: Content
  state: 'there' | 'gone' | 'not executable'
}

const add = (n: number): number[] => [0x05, ...new Uint8Array(Int32Array.of(n).buffer)]

/** mov edx, TURNS; call each; dec edx; jnz to the calls; hlt */
function caller(at: bigint, calls: readonly bigint[]): Uint8Array {
  const code = new Assembler().put(0xba, TURNS, 0, 0, 0).label(0)
  for (const to of calls) {
    const rel = Number(to - at) - (code.offset + 5)
    code.put(0xe8, ...new Uint8Array(Int32Array.of(rel).buffer))
  }
  return code.put(0xff, 0xca).jcc(5, 0).put(0xf4).finish()
}

const CALLS = [
  [1, 0],
  [1, 2],
  [3, 0, 1],
] as const

class Model {
  readonly machine: Machine
  readonly #run: Tier['run']
  readonly #random: Random
  readonly #contents: Content[] = []
  readonly #pages: Page[]

  constructor(seed: number, { options, run }: Tier) {
    this.machine = new Machine(options)
    this.#run = run
    this.#random = new Random(seed)
    for (const [n, va] of CALLERS.entries())
      this.machine.write(
        this.machine.map({ va }),
        caller(
          va,
          CALLS[n].map((to) => FUNCTIONS[to]),
        ),
      )
    this.machine.map({ va: STACK })
    for (let n = 0; n < 6; n++) this.#contents.push(this.#content(1 << n, n > 3))
    this.#pages = FUNCTIONS.map(() => ({ content: this.#contents[0], state: 'there' }))
    for (const place of FUNCTIONS.keys()) this.#map(place, this.#contents[0], 'there')
  }

  /** In a frame that no code was run of yet. */
  #content(adds: number, goesOn: boolean): Content {
    const host = this.machine.map({ va: 0x600000n })
    const content = { frame: (host - this.machine.host(0)) >> 12, adds, goesOn }
    this.#write(content, adds)
    return content
  }

  #write(content: Content, adds: number): void {
    content.adds = adds
    const end = content.goesOn ? [0xe9, ...new Uint8Array(Int32Array.of(4096 - 10).buffer)] : [0xc3]
    this.machine.write(this.machine.host(content.frame), Uint8Array.from([...add(adds), ...end]))
  }

  #map(place: number, content: Content, state: Page['state']): void {
    const va = FUNCTIONS[place]
    this.#pages[place] = { content, state }
    this.machine.map({ va, frame: content.frame, executable: state !== 'not executable' })
    if (state !== 'gone') return
    this.machine.views.u64[this.machine.entry(va) >> 3] = 0n
    this.machine.vcpu.flushPage(va)
  }

  change(): void {
    const random = this.#random
    const place = random.below(FUNCTIONS.length)
    const { content } = this.#pages[place]
    // What goes on does so where a page is behind it.
    const other = random.pick(this.#contents.filter(({ goesOn }) => !goesOn || place === 1))
    switch (random.below(9)) {
      case 0:
        this.#map(place, content, 'gone')
        break
      case 1:
        this.#map(place, content, 'not executable')
        break
      case 2:
        this.#write(content, random.below(1000))
        break
      case 3:
        this.machine.vcpu.flushAll()
        break
      case 4:
        this.#map(place, this.#content(random.below(1000), false), 'there')
        break
      default:
        this.#map(place, other, 'there')
    }
  }

  /** What comes of a caller; and of the accessed bits of the functions, if these are cleared before, as only who flushes may do. */
  check(): void {
    const { machine } = this
    const n = this.#random.below(CALLERS.length)
    const entries = FUNCTIONS.map((va) => machine.entry(va) >> 3)
    const { u64 } = machine.views
    const isCleared = this.#random.chance(30)
    if (isCleared) {
      for (const at of entries) u64[at] &= ~BigInt(PTE.A)
      if (this.#random.chance(50)) machine.vcpu.flushAll()
      else for (const va of FUNCTIONS) machine.vcpu.flushPage(va)
    }
    machine.state = { rip: CALLERS[n], gpr: [0n, 0n, 0n, 0n, STACK + 0x800n] }
    const stop = this.#run(machine, 10_000)
    const expected = this.#expected(n)
    expect({
      stop,
      eax: Number(machine.vcpu.gpr(0)),
      accessed: FUNCTIONS.filter((_, n) => isCleared && (u64[entries[n]] & BigInt(PTE.A)) !== 0n),
    }).toEqual({
      stop: expected.fault === undefined ? 'trap' : 'fault',
      eax: expected.eax,
      accessed: FUNCTIONS.filter((_, n) => isCleared && expected.ran.has(n)),
    })
    if (expected.fault === undefined) return
    const there = this.#pages[expected.fault].state === 'not executable' ? 1 : 0
    const va = FUNCTIONS[expected.fault]
    expect([machine.fault, machine.vcpu.u64(CPU.ADDRESS), machine.vcpu.rip]).toEqual([
      { vector: 14, error: NOT_PRESENT | there },
      va,
      va,
    ])
  }

  #expected(n: number): { readonly eax: number; readonly ran: ReadonlySet<number>; readonly fault?: number } {
    const ran = new Set<number>()
    let eax = 0
    for (let turn = 0; turn < TURNS; turn++)
      for (const to of CALLS[n]) {
        for (let place: number = to; ; place = FUNCTIONS.indexOf(FUNCTIONS[place] + 4096n)) {
          const { content, state } = this.#pages[place]
          if (state !== 'there') return { eax, ran, fault: place }
          ran.add(place)
          eax += content.adds
          if (!content.goesOn) break
        }
      }
    return { eax, ran }
  }
}

describe.each(tiers)('functions in pages that change, run $name', (tier) => {
  test.each([1, 2, 3, 4, 5, 6])('add what they say now or fault (%i)', (seed) => {
    const model = new Model(seed, tier)
    for (let n = 0; n < 150; n++) {
      model.change()
      model.check()
      if (n % 3 === 0) model.check()
    }
    if (tier.options.regionThreshold) expect(model.machine.runner.regions.count).toBeGreaterThan(3)
  })
})
