/** Pages that lose their entry of the execute TLB to others are still flushed from what regions remember of them. */
import { describe, expect, test } from 'vitest'
import { CPU, JUMPS, REGION } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'

const FUNCTION = 0x500000n
const SPARE = 0x700000n
const UPPER = 0xffff_8880_0000_0000n
/** Of the other function in its page: both have places of their own in JUMPS. */
const OFFSET = 0x40n
/** More than a function may have that becomes part of its callers' regions. */
const LENGTH = 125
const TURNS = 1000n

/** add rcx, n again and again; ret */
const adding = (n: number): Uint8Array =>
  Uint8Array.from([...new Array(LENGTH).fill([0x48, 0x83, 0xc1, n]).flat(), 0xc3])
/** call rax; call rbx; dec rdx; jnz to the first; hlt */
const CALLER = Uint8Array.of(0xff, 0xd0, 0xff, 0xd3, 0x48, 0xff, 0xca, 0x75, 0xf7, 0xf4)

/** A loop at `caller` that calls FUNCTION and another whose page has the same place in the execute TLB. */
class CallingGuest {
  readonly machine = new Machine({ regionThreshold: 3 })
  readonly #caller: bigint
  readonly #other: bigint

  constructor(base: bigint) {
    this.#caller = base + 0x10_0000n
    this.#other = base + 0x1_0000_0000n + FUNCTION + OFFSET
    const { machine } = this
    machine.write(machine.map({ va: FUNCTION }), adding(1))
    machine.write(machine.map({ va: this.#other - OFFSET }) + Number(OFFSET), adding(0))
    machine.write(machine.map({ va: this.#caller }), CALLER)
    machine.map({ va: base + 0x20_0000n })
  }

  /** What FUNCTION and the other, or FUNCTION again, add in a turn of the loop. */
  added(second: bigint = this.#other): bigint {
    const { machine } = this
    const stack = this.#caller + 0x10_0800n
    machine.state = { rip: this.#caller, gpr: [FUNCTION, 0n, TURNS, second, stack] }
    expect(machine.run(10_000_000)).toBe('trap')
    return machine.vcpu.gpr(1) / TURNS
  }

  /** Whether regions remember where FUNCTION's is. */
  get remembers(): boolean {
    const { views, vcpu } = this.machine
    const first = (vcpu.base + REGION.JUMPS + JUMPS.KEY) >> 3
    const keys = Array.from({ length: JUMPS.ENTRIES }, (_, n) => views.u64[first + (n * JUMPS.ENTRY) / 8])
    return keys.some((key) => BigInt.asIntN(64, key) >> 16n === FUNCTION)
  }

  /** The execute TLB has the other page now. */
  takeItsEntry(): void {
    const { vcpu, runner } = this.machine
    vcpu.rip = this.#other
    expect(runner.run(1)).toBe('limit')
  }

  replaceFunction(): void {
    const { machine } = this
    machine.write(machine.map({ va: SPARE }), adding(2))
    // `map` would flush the page.
    const { u64 } = machine.views
    u64[machine.entry(FUNCTION) >> 3] = u64[machine.entry(SPARE) >> 3]
  }
}

describe.each([
  { flush: 'of the page', base: 0n },
  { flush: 'of the lower half', base: UPPER },
] as const)('a flush $flush', ({ flush, base }) => {
  const flushed = (guest: CallingGuest, second?: bigint): bigint => {
    guest.takeItsEntry()
    expect(guest.remembers).toBe(true)
    guest.replaceFunction()
    if (flush === 'of the page') guest.machine.vcpu.flushPage(FUNCTION)
    else guest.machine.vcpu.flushLowerHalf()
    return guest.added(second)
  }

  test('after an entry was made by TypeScript', () => {
    const guest = new CallingGuest(base)
    expect(guest.added(FUNCTION)).toBe(BigInt(2 * LENGTH))
    expect(flushed(guest, FUNCTION)).toBe(BigInt(4 * LENGTH))
  })

  test('after an entry was made by WebAssembly, which finds what is translated already', () => {
    const guest = new CallingGuest(base)
    expect(guest.added()).toBe(BigInt(LENGTH))
    guest.machine.vcpu.flushAll()
    expect(guest.added()).toBe(BigInt(LENGTH))
    expect(flushed(guest)).toBe(BigInt(2 * LENGTH))
  })
})

test('pages that take each other’s place by turns do not have their code looked up each time', () => {
  const guest = new CallingGuest(0n)
  expect(guest.added()).toBe(BigInt(LENGTH))
  const { vcpu } = guest.machine
  const generation = vcpu.i32(CPU.JUMPS_KERNEL)
  expect(guest.added()).toBe(BigInt(LENGTH))
  expect(vcpu.i32(CPU.JUMPS_KERNEL)).toBe(generation)
})

test('generations that come again find nothing, and the two modes never share one', () => {
  const guest = new CallingGuest(0n)
  expect(guest.added()).toBe(BigInt(LENGTH))
  const { vcpu } = guest.machine
  const generations = (): readonly number[] => [vcpu.i32(CPU.JUMPS_KERNEL), vcpu.i32(CPU.JUMPS_USER)]
  vcpu.setI32(CPU.JUMPS_LAST, JUMPS.LAST_GENERATION)
  vcpu.flushExecuteTlb(true)
  expect(new Set(generations()).size).toBe(2)
  expect(Math.max(...generations())).toBeLessThan(JUMPS.LAST_GENERATION)
  const first = (vcpu.base + REGION.JUMPS) >> 3
  const keys = Array.from({ length: JUMPS.ENTRIES }, (_, n) => vcpu.views.u64[first + (n * JUMPS.ENTRY) / 8])
  expect(new Set(keys)).toEqual(new Set([2n ** 64n - 1n]))
  expect(guest.added()).toBe(BigInt(LENGTH))
})
