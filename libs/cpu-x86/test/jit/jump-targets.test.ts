/** Jumps and calls by address go on in their region where they have led there before, and anywhere else from it. */
import { describe, expect, test } from 'vitest'
import { Machine } from '../machine.ts'
import { Random } from '../programs/random.ts'
import { type Tier, tiers } from '../run/tiers.ts'
import { Assembler } from './assembler.ts'

const CODE = 0x400000n
const CODE_PAGES = 4
const TABLE = 0x600000n
const STACK = 0x700000n
const [LOOP, END, FIRST] = [0, 1, 2]
const ROUNDS = 400

/** How a target is gone to, and how it goes back. */
const WAYS = {
  'jmp [r11 + rcx*8]': { bytes: [0x41, 0xff, 0x24, 0xcb], isCall: false },
  'mov rax, [r11 + rcx*8]; jmp rax': { bytes: [0x49, 0x8b, 0x04, 0xcb, 0xff, 0xe0], isCall: false },
  'call [r11 + rcx*8]': { bytes: [0x41, 0xff, 0x14, 0xcb], isCall: true },
  'push [r11 + rcx*8]; ret': { bytes: [0x41, 0xff, 0x34, 0xcb, 0xc3], isCall: false },
} as const

/**
 * A loop that reads rcx, a byte of the table at r12 + rdx, jumps by the u64 at r11 + rcx*8, where a number is added to rsi, and goes
 * back; until rdx is ROUNDS. Targets are at `offsets`.
 */
function program(way: keyof typeof WAYS, offsets: readonly number[]): Uint8Array {
  const { bytes, isCall } = WAYS[way]
  // movzx ecx, byte [r12 + rdx]; inc edx; cmp edx, ROUNDS; ja to the end
  const code = new Assembler()
    .label(LOOP)
    .put(0x41, 0x0f, 0xb6, 0x0c, 0x14, 0xff, 0xc2, 0x81, 0xfa, ROUNDS & 0xff, ROUNDS >> 8, 0, 0)
  code
    .jcc(7, END)
    .put(...bytes)
    .jmp(LOOP)
    .label(END)
    .put(0xf4)
  for (const [n, offset] of offsets.entries()) {
    // add rsi, n + 1; and something that depends on the order: rol rsi, 1
    code
      .skipTo(offset)
      .label(FIRST + n)
      .put(0x48, 0x83, 0xc6, n + 1, 0x48, 0xd1, 0xc6)
    if (isCall) code.put(0xc3)
    else code.jmp(LOOP)
  }
  return code.finish()
}

function machineOf(
  options: Tier['options'],
  code: Uint8Array,
  offsets: readonly number[],
  order: readonly number[],
): Machine {
  const machine = new Machine(options)
  for (let n = 0; n < CODE_PAGES; n++)
    machine.write(machine.map({ va: CODE + BigInt(n) * 4096n }), code.subarray(n * 4096, (n + 1) * 4096))
  const table = machine.map({ va: TABLE })
  offsets.forEach((offset, n) => {
    machine.views.u64[(table >> 3) + n] = CODE + BigInt(offset)
  })
  machine.views.u8.set(order, table + 2048)
  machine.map({ va: STACK })
  const gpr = new Array<bigint>(16).fill(0n)
  gpr[4] = STACK + 0x800n
  gpr[11] = TABLE
  gpr[12] = TABLE + 2048n
  machine.state = { rip: CODE, gpr }
  return machine
}

const sum = (order: readonly number[]): bigint =>
  order.reduce((rsi, n) => {
    const next = BigInt.asUintN(64, rsi + BigInt(n + 1))
    return BigInt.asUintN(64, (next << 1n) | (next >> 63n))
  }, 0n)

/** Offsets of targets: next to each other, alike in their low bits, or wherever. */
const PLACES: Readonly<Record<string, (n: number) => number>> = {
  'next to each other': (n) => 0x100 + n * 16,
  'in pages at the same offset': (n) => 0x200 + (n & 3) * 0x1000 + (n >> 2) * 64,
  'here and there': (n) => 0x100 + n * 0x1f3 + (n & 1),
}

describe.each(tiers)('run $name', ({ options, run }) => {
  describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])('%s', (way) => {
    describe.each(Object.entries(PLACES))('to targets %s', (_, place) => {
      test.each([1, 2, 4, 5, 20])('%i of them', (count) => {
        const random = new Random(count)
        const offsets = random.shuffled(Array.from({ length: count }, (_, n) => n)).map(place)
        const sorted = offsets.toSorted((a, b) => a - b)
        const order = Array.from({ length: ROUNDS }, (_, turn) => random.below(Math.min(count, 1 + (turn >> 4))))
        const machine = machineOf(options, program(way, sorted), offsets, order)
        expect(run(machine, 100_000)).toBe('trap')
        const added = order.map((n) => sorted.indexOf(offsets[n]))
        expect(machine.vcpu.gpr(6)).toBe(sum(added))
        expect([machine.vcpu.gpr(2), machine.vcpu.gpr(4)]).toEqual([BigInt(ROUNDS + 1), STACK + 0x800n])
      })
    })
  })
})
