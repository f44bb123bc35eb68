/** Repeated string instructions in the middle of code that is run often, with what may stop them on the way. */
import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import type { Machine, MachineState } from '../machine.ts'
import { CODE, machineWith, type Tier, tiers } from './tiers.ts'

/** Pages at DATA: four that are mapped, the frames of which do not follow each other, then none. */
const DATA = 0x600000n
const MAPPED = 4
const BYTES = MAPPED * 0x1000
const AT = 0x20
const TURNS = 9
const DF = 0x400n

/** mov rsi, r9; mov rdi, r10; mov rcx, r11; (the instruction); dec r8d; jnz to the first; hlt */
const program = (insn: readonly number[]): Uint8Array =>
  Uint8Array.of(
    ...[0x4c, 0x89, 0xce, 0x4c, 0x89, 0xd7, 0x4c, 0x89, 0xd9, ...insn],
    ...[0x41, 0xff, 0xc8, 0x75, 256 - (9 + insn.length + 5), 0xf4],
  )
/** Instructions before the repeated one, and where it is. */
const [BEFORE, REPEATED] = [3, CODE + BigInt(AT + 9)]

interface Operands {
  /** Offsets in DATA. */
  readonly source: number
  readonly target: number
  readonly count: number
  readonly backward?: boolean
}

/** Loads the registers for so many turns. */
function begin(machine: Machine, { source, target, count, backward = false }: Operands, turns: number): void {
  const gpr = new Array<bigint>(16).fill(0n)
  gpr[0] = 0x8877665544332211n
  for (const [n, value] of [turns, DATA + BigInt(source), DATA + BigInt(target), count].entries())
    gpr[8 + n] = BigInt(value)
  machine.state = { gpr, rip: CODE + BigInt(AT), rflags: backward ? DF : 0n }
}

class Run {
  readonly machine: Machine
  readonly #tier: Tier
  readonly #frames: number[]

  constructor(tier: Tier, insn: readonly number[]) {
    this.#tier = tier
    this.machine = machineWith(program(insn), AT, tier.options).machine
    const pages = Array.from({ length: MAPPED }, (_, n) => n).reverse()
    this.#frames = pages.map((n) => this.machine.map({ va: DATA + BigInt(n * 0x1000) })).reverse()
    this.fill()
  }

  fill(): void {
    const { u8 } = this.machine.views
    for (const [n, frame] of this.#frames.entries())
      for (let at = 0; at < 0x1000; at++) u8[frame + at] = (at * 7 + n * 13 + (at >> 5)) & 255
  }

  get memory(): Uint8Array {
    const { u8 } = this.machine.views
    return Uint8Array.from({ length: BYTES }, (_, at) => u8[this.#frames[at >> 12] + (at & 0xfff)])
  }

  go(operands: Operands, turns: number = 1): ReturnType<Tier['run']> {
    begin(this.machine, operands, turns)
    return this.#tier.run(this.machine, 1_000_000)
  }

  /** Runs until the tier has made of it what it makes of code that is run often. */
  warm(): this {
    expect(this.go({ source: 0, target: 0x800, count: 16 }, TURNS)).toBe('trap')
    expect(this.machine.runner.regions.count > 0).toBe(this.#tier.options.regionThreshold !== undefined)
    this.fill()
    return this
  }
}

/** What memory is after the elements of a movs or stos, one by one. */
function moved(
  before: Uint8Array,
  size: number,
  { source, target, count, backward }: Operands,
  value?: bigint,
): Uint8Array {
  const after = before.slice()
  for (let n = 0; n < count; n++) {
    const at = (backward ? -n : n) * size
    const element =
      value === undefined
        ? after.slice(source + at, source + at + size)
        : Uint8Array.from({ length: size }, (_, k) => Number((value >> BigInt(8 * k)) & 255n))
    after.set(element, target + at)
  }
  return after
}

const MOVS = [
  [1, [0xf3, 0xa4]],
  [2, [0x66, 0xf3, 0xa5]],
  [4, [0xf3, 0xa5]],
  [8, [0xf3, 0x48, 0xa5]],
] as const
const STOS = MOVS.map(
  ([size, insn]) => [size, insn.map((byte) => (byte === 0xa4 || byte === 0xa5 ? byte + 6 : byte))] as const,
)
/** repe cmpsb, repne cmpsd, repne scasb, repe scasq, rep lodsw */
const OTHERS = [
  [0xf3, 0xa6],
  [0xf2, 0xa7],
  [0xf2, 0xae],
  [0xf3, 0x48, 0xaf],
  [0x66, 0xf3, 0xad],
] as const

const PLACES: readonly Operands[] = [
  { source: 0, target: 0x2000, count: 0 },
  { source: 3, target: 0x2005, count: 1 },
  ...[7, 31, 33, 100].map((count) => ({ source: 0x101, target: 0x2203, count })),
  ...[1, 3, 8, 40].map((distance) => ({ source: 0xff0, target: 0xff0 + distance, count: 90 })),
  ...[1, 5, 16].map((distance) => ({ source: 0xff0, target: 0xff0 - distance, count: 90 })),
  { source: 0x10, target: 0x10, count: 200 },
  { source: 0x1, target: 0x1800, count: 700 },
  { source: 0x17f8, target: 0x7f8, count: 200, backward: true },
  { source: 0x17f1, target: 0x17f9, count: 190, backward: true },
]

describe.each(tiers)('a repeated instruction, run $name', (tier) => {
  test.each(MOVS)('movs of %i bytes copies element by element', (size, insn) => {
    const run = new Run(tier, insn).warm()
    for (const operands of PLACES) {
      run.fill()
      const wanted = moved(run.memory, size, operands)
      expect(run.go(operands)).toBe('trap')
      expect(run.memory, JSON.stringify(operands)).toEqual(wanted)
      const step = BigInt((operands.backward ? -1 : 1) * operands.count * size)
      const { vcpu } = run.machine
      expect([vcpu.gpr(6), vcpu.gpr(7), vcpu.gpr(1)]).toEqual([
        DATA + BigInt(operands.source) + step,
        DATA + BigInt(operands.target) + step,
        0n,
      ])
    }
  })

  test.each(STOS)('stos of %i bytes stores element by element', (size, insn) => {
    const run = new Run(tier, insn).warm()
    for (const operands of PLACES) {
      run.fill()
      const wanted = moved(run.memory, size, operands, 0x8877665544332211n)
      expect(run.go(operands)).toBe('trap')
      expect(run.memory, JSON.stringify(operands)).toEqual(wanted)
    }
  })

  test.each([...MOVS, ...STOS])('of %i bytes (%j) stops at the element that cannot be stored', (size, insn) => {
    const run = new Run(tier, insn).warm()
    const wanted = moved(run.memory, size, { source: 5, target: BYTES - 700 * size, count: 700 }, stored(insn))
    const icount = run.machine.vcpu.u64(CPU.ICOUNT)
    expect(run.go({ source: 5, target: BYTES - 700 * size, count: 900 })).toBe('fault')
    const { vcpu, fault } = run.machine
    expect({ ...fault, at: vcpu.u64(CPU.ADDRESS), rip: vcpu.rip }).toEqual({
      vector: 14,
      error: 2,
      at: DATA + BigInt(BYTES),
      rip: REPEATED,
    })
    expect([vcpu.gpr(7), vcpu.gpr(1)]).toEqual([DATA + BigInt(BYTES), 200n])
    expect(vcpu.u64(CPU.ICOUNT) - icount).toBe(BigInt(BEFORE))
    expect(run.memory).toEqual(wanted)
    run.machine.map({ va: DATA + BigInt(BYTES) })
    expect(tier.run(run.machine, 1_000_000)).toBe('trap')
    expect(vcpu.gpr(1)).toBe(0n)
  })

  test('an element across two pages, the second of which is not there, is not stored at all', () => {
    const run = new Run(tier, [0xf3, 0x48, 0xa5]).warm()
    const wanted = moved(run.memory, 8, { source: 0, target: BYTES - 83, count: 10 })
    expect(run.go({ source: 0, target: BYTES - 83, count: 12 })).toBe('fault')
    expect(run.machine.vcpu.u64(CPU.ADDRESS)).toBe(DATA + BigInt(BYTES))
    expect(run.machine.vcpu.gpr(1)).toBe(2n)
    expect(run.memory).toEqual(wanted)
  })

  test('that writes the code behind it is followed by what it wrote', () => {
    // rep stosb; mov edx, 0
    const run = new Run(tier, [0xf3, 0xaa, 0xba, 0, 0, 0, 0]).warm()
    const operand = Number(REPEATED - DATA) + 3
    for (const byte of [1n, 5n, 1n, 7n]) {
      begin(run.machine, { source: 0, target: operand, count: 4 }, TURNS)
      run.machine.vcpu.setGpr(0, byte)
      expect(tier.run(run.machine, 1_000_000)).toBe('trap')
      expect(run.machine.vcpu.gpr(2)).toBe(byte * 0x01010101n)
    }
  })
})

/** What an instruction of STOS stores. */
const stored = (insn: readonly number[]): bigint | undefined =>
  insn.some((byte) => byte === 0xaa || byte === 0xab) ? 0x8877665544332211n : undefined

describe('a repeated instruction leaves the same state however it is run', () => {
  const states = (tier: Tier, insn: readonly number[]): MachineState[] => {
    const run = new Run(tier, insn).warm()
    return PLACES.map((operands) => {
      run.fill()
      expect(run.go(operands)).toBe('trap')
      return run.machine.state
    })
  }

  test.each(OTHERS.map((insn) => [insn]))('%j', (insn) => {
    const [stepped, ...others] = tiers.map((tier) => states(tier, insn))
    for (const other of others) expect(other).toEqual(stepped)
  })
})

describe.each(tiers.slice(1))('a vCPU at its limit in a repeated instruction, run $name', (tier) => {
  test.each([...MOVS, ...STOS])('stops behind the elements of one page (%i bytes, %j)', (size, insn) => {
    const run = new Run(tier, insn).warm()
    const { vcpu, runner } = run.machine
    const count = 0x2000 / size
    const first = vcpu.u64(CPU.ICOUNT)
    begin(run.machine, { source: 0, target: 0x2000, count }, 1)
    vcpu.setI32(CPU.REC, 0)
    expect(runner.run(BEFORE)).toBe('limit')
    expect(vcpu.rip).toBe(REPEATED)
    expect(vcpu.u64(CPU.ICOUNT) - first).toBe(BigInt(BEFORE))
    expect(vcpu.gpr(1)).toBe(BigInt(count / 2))
    expect(tier.run(run.machine, 1_000_000)).toBe('trap')
    expect(vcpu.gpr(1)).toBe(0n)
    expect(vcpu.u64(CPU.ICOUNT) - first).toBe(BigInt(BEFORE + 3))
  })
})
