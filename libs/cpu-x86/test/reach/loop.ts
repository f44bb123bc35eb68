import { expect } from 'vitest'
import { isHeadOfRegion, REC } from '../../src/cold/record.ts'
import { REGION_PLACE } from '../../src/jit/code-pages.ts'
import { CPU } from '../../src/state/layout.ts'
import { Assembler } from '../jit/assembler.ts'
import { Machine } from '../machine.ts'
import { type Tier, tiers } from '../run/tiers.ts'
import { R15 } from './code.ts'

/** Code has a page, and one behind it that is data. */
export const CODE = 0x400000n
/** Above what 32 bits reach. */
export const DATA = 0x10_0070_0000n
export const DATA_PAGES = 4
export const BORDER = DATA + 0x1000n
/** Where the low half of an address in DATA leads. */
export const LOW = 0x70_0000n
export const VECTOR = { GP: 13, PF: 14 } as const
/** Labels of the body's are above. */
const LOOP = 0
const TURNS = 24

export interface LoopProgram {
  /** In a loop that r15 counts. */
  readonly body: (code: Assembler) => void
  /** Behind the loop. */
  readonly functions?: (code: Assembler) => void
  /** By number; others are 0. */
  readonly gpr: Readonly<Record<number, bigint>>
  readonly turns?: number
  /** Where in its page the loop begins. */
  readonly at?: number
  readonly fs?: bigint
  readonly gs?: bigint
  /** As it is before the first turn: [address, value of 8 bytes]. */
  readonly memory?: readonly (readonly [bigint, bigint])[]
}

/** What becomes of pages once the loop was run to its end. */
export interface Change {
  readonly missing?: readonly bigint[]
  readonly readOnly?: readonly bigint[]
  readonly user?: boolean
  /** Registers that are to be others than the first time. */
  readonly gpr?: Readonly<Record<number, bigint>>
}

/** All that the guest has of it. */
export interface Outcome {
  readonly stop: string
  readonly fault: { readonly vector: number; readonly error: number; readonly address: bigint | undefined } | undefined
  readonly rip: bigint
  readonly gpr: readonly bigint[]
  readonly rflags: bigint
  readonly xmm: string
  readonly retired: number
  /** Bytes that are not what they were, by address. */
  readonly changed: Readonly<Record<string, number>>
}

export const pages = (from: bigint, count: number): bigint[] =>
  Array.from({ length: count }, (_, n) => from + BigInt(n) * 4096n)

const PAGES = [...pages(CODE, 2), ...pages(LOW, DATA_PAGES), ...pages(DATA, DATA_PAGES)]

/** Data is other than what is around it. */
function fill(page: Uint8Array, n: number): void {
  for (let at = 0; at < page.length; at++) page[at] = (at * 7 + (at >> 8) * 13 + n * 101) & 0xff
}

/** A machine with a loop. */
export class LoopMachine {
  readonly machine: Machine
  readonly #tier: Tier
  readonly #program: LoopProgram
  readonly #frames: ReadonlyMap<bigint, number>

  constructor(tier: Tier, program: LoopProgram) {
    this.#tier = tier
    this.#program = program
    this.machine = new Machine(tier.options)
    // What is beside a page is not what is beside its frame.
    const scattered = [...PAGES.filter((_, n) => n % 2 === 1), ...PAGES.filter((_, n) => n % 2 === 0).reverse()]
    this.#frames = new Map(scattered.map((va) => [va, this.machine.map({ va })]))
  }

  /** Offsets in the page count from its start: the loop begins at `at`. */
  #code(): Uint8Array {
    const { body, functions, at = 0 } = this.#program
    const code = new Assembler().skipTo(at).label(LOOP)
    body(code)
    // dec r15d; jnz to the start; hlt
    code.put(0x41, 0xff, 0xcf).jcc(5, LOOP).put(0xf4)
    functions?.(code)
    return code.finish()
  }

  #bytes(va: bigint): Uint8Array {
    const host = this.#frames.get(va) as number
    return this.machine.views.u8.subarray(host, host + 4096)
  }

  begin({ gpr: others = {}, missing = [], readOnly = [], user = false }: Change = {}): void {
    const { machine } = this
    const { gpr, turns = TURNS, at = 0, fs = 0n, gs = 0n, memory = [] } = this.#program
    for (const [n, va] of PAGES.entries()) if (va !== CODE) fill(this.#bytes(va), n)
    const code = this.#code()
    // What was made of it stays, unless it has changed itself.
    if (Buffer.compare(code, this.#bytes(CODE).subarray(0, code.length)) !== 0)
      machine.write(this.#frames.get(CODE) as number, code)
    for (const [va, value] of memory) {
      const host = (this.#frames.get(va & ~0xfffn) as number) + Number(va & 0xfffn)
      new DataView(machine.views.u8.buffer).setBigUint64(host, value, true)
    }
    for (const va of [...missing, ...readOnly]) {
      const entry = machine.entry(va) >> 3
      machine.views.u64[entry] &= missing.includes(va) ? ~1n : ~2n
      machine.vcpu.flushPage(va)
    }
    machine.user(user)
    machine.vcpu.setU64(CPU.FSBASE, fs)
    machine.vcpu.setU64(CPU.GSBASE, gs)
    machine.views.u8.fill(0, machine.vcpu.base + CPU.XMM, machine.vcpu.base + CPU.XMM + 256)
    const all = { [R15]: BigInt(turns), ...gpr, ...others }
    const registers = Array.from({ length: 16 }, (_, n) => all[n] ?? 0n)
    machine.state = { rip: CODE + BigInt(at), gpr: registers, rflags: 0n }
  }

  run(count: number = 1_000_000): Outcome {
    const { machine } = this
    const { vcpu, views } = machine
    const before = new Map(PAGES.map((va) => [va, this.#bytes(va).slice()]))
    const from = vcpu.number(CPU.ICOUNT)
    const stop = this.#tier.run(machine, count)
    const changed: Record<string, number> = {}
    for (const [va, old] of before) {
      const now = this.#bytes(va)
      if (Buffer.compare(now, old) === 0) continue
      now.forEach((byte, n) => {
        if (byte !== old[n]) changed[(va + BigInt(n)).toString(16)] = byte
      })
    }
    const { vector, error } = machine.fault
    const address = vector === VECTOR.PF ? vcpu.u64(CPU.ADDRESS) : undefined
    return {
      ...machine.state,
      stop,
      fault: stop === 'fault' ? { vector, error, address } : undefined,
      xmm: Buffer.from(views.u8.slice(vcpu.base + CPU.XMM, vcpu.base + CPU.XMM + 256)).toString('hex'),
      retired: vcpu.number(CPU.ICOUNT) - from,
      changed,
    }
  }

  /** How often its regions, as they are now, were left as accesses were apart. */
  get timesApart(): number {
    const { machine } = this
    const { i32, u16 } = machine.views
    let sum = 0
    for (let offset = 0; offset < 4096; offset++) {
      const rec = machine.runner.cache.known(this.#frames.get(CODE) as number, offset)
      if (rec === 0 || !isHeadOfRegion(u16[(rec + REC.HANDLER) >> 1])) continue
      sum += i32[(i32[(rec + REGION_PLACE.POINTER) >> 2] + REGION_PLACE.APART) >> 2]
    }
    return sum
  }
}

/** What one instruction after the other does. */
export interface Same extends Outcome {
  /** How often regions were left. */
  readonly apart: number
}

/** Runs the loop to its end, and once more with what has changed: in all tiers the same. */
export function sameInAllTiers(program: LoopProgram, change: Change = {}): Same {
  const runs = tiers.map((tier) => {
    const loop = new LoopMachine(tier, program)
    loop.begin(change.user === undefined ? {} : { user: change.user })
    const whole = loop.run()
    expect(whole.stop).toBe('trap')
    const apartBefore = loop.timesApart
    loop.begin(change)
    const outcome = loop.run()
    return { whole, outcome, apart: loop.timesApart - apartBefore, regions: loop.machine.runner.regions.count }
  })
  const [steps, ...others] = runs
  for (const { whole, outcome } of others) {
    expect(whole).toEqual(steps.whole)
    expect(outcome).toEqual(steps.outcome)
  }
  const { apart, regions } = runs[runs.length - 1]
  expect(regions).toBeGreaterThan(0)
  return { ...steps.outcome, apart }
}

/** The offset of the n-th instruction of the loop. */
export const placeOf = (instructions: readonly (readonly number[])[], n: number): bigint =>
  CODE + BigInt(instructions.slice(0, n).reduce((sum, { length }) => sum + length, 0))
