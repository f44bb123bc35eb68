import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Random } from '../insn/random.ts'
import type { Machine } from '../machine.ts'
import { CODE, machineWith, type Tier, tiers } from '../run/tiers.ts'
import { helpers } from '../sse/tiers.ts'
import { floatLoop, NOTED, numberBits } from './float-loops.ts'

const DATA = 0x600000n
const PAGE_FAULT = 14
/** To nearest, all masked, inexact set. */
const USUAL = 0x1fa0
/** A region is left well before the last instruction that is asked for. */
const COUNTS = [2000, 700, 3000]

interface Program {
  readonly code: Uint8Array
  readonly mxcsr: number
  /** Values of the words below the table that the program may load MXCSR from. */
  readonly others?: readonly number[]
  /** Odd numbers are one in so many. */
  readonly rarity: number
  /** Where the table begins, in two pages of which only the first is there. */
  readonly start: number
  readonly seed: number
  /** The low half of xmm1. */
  readonly low?: bigint
}

const ALIGNED_START = 64

function machineFor({ code, mxcsr, others = [], rarity, start, seed, low }: Program, tier: Tier): Machine {
  const { machine } = machineWith(code, 0x40, { ...tier.options, helpers })
  const { vcpu, views } = machine
  const page = machine.map({ va: DATA })
  const random = new Random(BigInt(seed))
  for (let at = 0; at < 4096; at += 8) views.u64[(page + at) >> 3] = numberBits(random, rarity)
  for (const [n, value] of others.entries()) views.i32[(page + start - 4 - 4 * n) >> 2] = value
  for (let at = 0; at < 256; at += 8) views.u64[(vcpu.base + CPU.XMM + at) >> 3] = numberBits(random, rarity)
  if (low !== undefined) vcpu.setU64(CPU.XMM + 16, low)
  vcpu.setI32(CPU.MXCSR, mxcsr)
  const gpr = new Array<bigint>(16).fill(0n)
  gpr[1] = 400n
  gpr[3] = DATA + BigInt(start)
  machine.state = { rip: CODE + 0x40n, gpr, rflags: 0x202n }
  return machine
}

const [step, cold, regions] = tiers
let regionsMade = 0
beforeEach(() => {
  regionsMade = 0
})
afterEach(() => expect(regionsMade).toBeGreaterThan(0))

/** All that the program has done after so many instructions, again and again. */
function told(program: Program, tier: Tier): { readonly fx: string }[] {
  const machine = machineFor(program, tier)
  const { vcpu, views } = machine
  const page = machine.map({ va: DATA, frame: machine.frameOf(DATA) })
  const states = COUNTS.map((count) => {
    const stop = tier.run(machine, count)
    const vector = stop === 'fault' ? vcpu.i32(CPU.VECTOR) : -1
    const address = vector === PAGE_FAULT ? vcpu.u64(CPU.ADDRESS) : 0n
    const fx = Buffer.from(views.u8.slice(vcpu.base + CPU.MXCSR, vcpu.base + CPU.XMM + 256)).toString('hex')
    const memory = createHash('sha1')
      .update(views.u8.slice(page, page + 4096))
      .digest('hex')
    return { stop, vector, address, fx, memory, count: vcpu.u64(CPU.ICOUNT), state: machine.state }
  })
  if (tier === regions) regionsMade += machine.runner.regions.count
  return states
}

const agree = (program: Program, name: string): void => {
  const wanted = told(program, step)
  expect(told(program, cold), `${name} in the cold tier`).toEqual(wanted)
  expect(told(program, regions), `${name} in regions`).toEqual(wanted)
}

const MANY = 25

describe('random loops of floating-point instructions do the same in all tiers', () => {
  const programs = (odd: Partial<Program>, { loadsMxcsr = false, isCircular = true } = {}): void => {
    for (let seed = 1; seed <= MANY; seed++) {
      const code = floatLoop(new Random(BigInt(seed * 77)), loadsMxcsr, isCircular)
      agree({ code, mxcsr: USUAL, rarity: 1000, start: ALIGNED_START, seed, ...odd }, `program ${seed}`)
    }
  }
  test('on plain numbers in the usual mode', () => programs({}))
  test('that has not rounded anything yet', () => programs({ mxcsr: 0x1f80 }))
  test('with a zero, a denormal number, an infinity or a NaN now and then', () => programs({ rarity: 20 }))
  test('with many of them', () => programs({ rarity: 2 }))
  test('with denormal numbers taken for zeros', () => programs({ rarity: 8, mxcsr: 0x9fe0 }))
  test('rounding up', () => programs({ rarity: 50, mxcsr: 0x5fa0 }))
  test('with exceptions that are not masked', () => programs({ rarity: 30, mxcsr: 0x1020 }))
  test('that load MXCSR', () => programs({ rarity: 30, others: [USUAL, 0x1f80, 0x9fe0, 0x7fa0] }, { loadsMxcsr: true }))
  test('that clear what the others have raised', () =>
    programs({ rarity: 30, others: [USUAL, USUAL, USUAL, USUAL] }, { loadsMxcsr: true }))
  test('up to the end of what is mapped', () => programs({ rarity: 100 }, { isCircular: false }))
})

/** A loop of so many rounds; each of them is `body`. */
const loop = (...body: number[]): Uint8Array => {
  const back = -(body.length + 4)
  return Uint8Array.of(...body, 0xff, 0xc9, 0x75, back & 255, 0xeb, 0xfe)
}

describe('what a region keeps to itself is there', () => {
  const base = { mxcsr: USUAL, rarity: 1000, start: ALIGNED_START, seed: 5 }
  const addsd = [0xf2, 0x0f, 0x58, 0xc1]
  const addps = [0x0f, 0x58, 0xd1]
  test('where a fault comes behind changed registers', () => {
    // addsd xmm0, xmm1; addps xmm2, xmm1; movups xmm3, [rbx + rsi + 3]; add rsi, 24.
    const code = loop(...addsd, ...addps, 0x0f, 0x10, 0x5c, 0x33, 3, 0x48, 0x83, 0xc6, 24)
    agree({ ...base, code }, 'a load that crosses into what is not there')
    // The same with a store.
    const store = loop(...addsd, ...addps, 0x0f, 0x11, 0x5c, 0x33, 3, 0x48, 0x83, 0xc6, 24)
    agree({ ...base, code: store }, 'a store')
  })
  test('where an instruction leaves to TypeScript', () => {
    // The loop, then fxsave [rbx].
    const code = Uint8Array.of(...loop(...addsd, ...addps).subarray(0, -2), 0x0f, 0xae, 0x03)
    agree({ ...base, code }, 'fxsave')
  })
  test('where a result leaves the range of what is plain', () => {
    // mulsd xmm0, xmm0; mulss xmm1, xmm1; divpd xmm2, xmm3
    agree({ ...base, code: loop(0xf2, 0x0f, 0x59, 0xc0, 0xf3, 0x0f, 0x59, 0xc9, 0x66, 0x0f, 0x5e, 0xd3) }, 'powers')
  })
  test.each([
    ['from its first instruction on', 0],
    ['behind others', 3],
  ])('where an operand is denormal %s', (_, nops) => {
    // nops; ldmxcsr [rbx - 4]; addsd xmm0, xmm1; mulsd xmm0, xmm1; what that has raised.
    const code = loop(...new Array(nops).fill(0x90), 0x0f, 0xae, 0x53, 0xfc, ...addsd, 0xf2, 0x0f, 0x59, 0xc8, ...NOTED)
    for (const low of [1n, 0x8000000000000000n, 0x7ff0000000000001n, 0x7ff0000000000000n])
      agree({ ...base, code, low, others: [USUAL] }, `${low}`)
  })
  test.each([
    ['never', 0x4008000000000000n, ['801f', '801f', '801f']],
    // Beside 256 and 2^-45 a double has no bit left.
    ['in the middle of a loop', 0x3d20000000000000n, ['801f', '801f', 'a01f']],
  ])('where a result is inexact for the first time: %s', (_, low, mxcsrs) => {
    const code = loop(
      // cvtsi2sd xmm0, esi; addsd xmm0, xmm1; ucomisd xmm0, xmm1; setae r8b; adc r9, rsi
      ...[0xf2, 0x0f, 0x2a, 0xc6, ...addsd, 0x66, 0x0f, 0x2e, 0xc1, 0x41, 0x0f, 0x93, 0xc0, 0x49, 0x11, 0xf1],
      // cvtsi2sd xmm2, esi; movaps xmm3, xmm2; mulsd xmm3, xmm2; sqrtsd xmm3, xmm3; cvttsd2si r10, xmm3; add r9, r10
      ...[0xf2, 0x0f, 0x2a, 0xd6, 0x0f, 0x28, 0xda, 0xf2, 0x0f, 0x59, 0xda, 0xf2, 0x0f, 0x51, 0xdb],
      ...[0xf2, 0x4c, 0x0f, 0x2c, 0xd3, 0x4d, 0x01, 0xd1, ...NOTED, 0xff, 0xc6],
    )
    agree({ ...base, code, low, mxcsr: 0x1f80 }, 'sums')
    const told0 = told({ ...base, code, low, mxcsr: 0x1f80 }, regions)
    expect(told0.map(({ fx }) => fx.slice(0, 4))).toEqual(mxcsrs)
  })
  test('where a comparison of doubles is used before and behind another', () => {
    // ucomisd xmm0, xmm1; addsd xmm0, xmm1; jp +3; setae r8b; adc r9, rcx; ucomiss xmm2, xmm3; adc r9, 1
    const code = loop(
      ...[0x66, 0x0f, 0x2e, 0xc1, ...addsd, 0x7a, 0x04, 0x41, 0x0f, 0x93, 0xc0, 0x49, 0x11, 0xc9],
      ...[0x0f, 0x2e, 0xd3, 0x49, 0x83, 0xd1, 0x01],
    )
    agree({ ...base, code, rarity: 4 }, 'comparisons')
  })
})
