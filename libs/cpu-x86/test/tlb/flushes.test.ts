import { describe, expect, test } from 'vitest'
import { CPU, REGION, TLB, XTLB } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { Random } from '../pv/random.ts'

const BASE = 0x10_0000_0000n
const UPPER = 0xffff_8880_0000_0000n
const READ = 8 << 1
const WRITE = READ | 1

const page = (base: bigint, n: number): bigint => base + BigInt(n) * 0x1000n
/** As WebAssembly takes it. */
const signed = (va: bigint): bigint => BigInt.asIntN(64, va)

/** A machine with `pages` at BASE and at UPPER, all of them one frame, in kernel mode. */
function machine(pages: number): Machine {
  const made = new Machine()
  const host = made.map({ va: BASE })
  const frame = (host - made.host(0)) / 4096
  for (let n = 0; n < pages; n++) for (const base of [BASE, UPPER]) made.map({ va: page(base, n), frame })
  return made
}

/** Entries of a mode's data TLB by tag, and the tags of its execute TLB that are used. */
function tags({ vcpu, views }: Machine, user = false): { read: bigint[]; write: bigint[]; execute: bigint[] } {
  const list = (from: number, step: number, count: number): bigint[] =>
    Array.from({ length: count }, (_, n) => views.u64[(vcpu.base + from + n * step) >> 3]).filter(
      (tag) => tag !== 0xffff_ffff_ffff_ffffn,
    )
  const data = user ? REGION.TLB_USER : REGION.TLB_KERNEL
  return {
    read: list(data + TLB.READ_TAG, TLB.ENTRY, TLB.ENTRIES),
    write: list(data + TLB.WRITE_TAG, TLB.ENTRY, TLB.ENTRIES),
    execute: list((user ? REGION.XTLB_USER : REGION.XTLB_KERNEL) + XTLB.TAG, XTLB.ENTRY, XTLB.ENTRIES),
  }
}

const EMPTY = { read: [], write: [], execute: [] }

function touch({ runner, vcpu }: Machine, va: bigint, how: number): void {
  expect(runner.tier.fill(vcpu.base, signed(va), how)).not.toBe(0)
}

/** Goes to an instruction: jmp to itself. */
function execute(m: Machine, va: bigint): void {
  m.vcpu.rip = va
  expect(m.runner.run(1)).toBe('limit')
}

describe.each([
  { name: 'few pages', pages: 20 },
  { name: 'more pages than entries', pages: 4500 },
])('of $name', ({ pages }) => {
  test.each([false, true])('a flush leaves nothing (user mode: %s)', (user) => {
    const m = machine(pages)
    m.user(user)
    m.write(m.map({ va: BASE }), Uint8Array.of(0xeb, 0xfe))
    for (let n = 0; n < pages; n++) touch(m, page(BASE, n), n % 2 ? WRITE : READ)
    execute(m, BASE)
    const { read, execute: code } = tags(m, user)
    expect([read.length, code.length]).toEqual([Math.min(pages, TLB.ENTRIES), 1])
    m.vcpu.flushDataTlb(user)
    m.vcpu.flushExecuteTlb(user)
    expect(tags(m, user)).toEqual(EMPTY)
    touch(m, BASE, READ)
    expect(tags(m, user).read).toEqual([BASE])
    m.vcpu.flushAll()
    expect(tags(m, user)).toEqual(EMPTY)
  })

  test('a new kernel root takes the lower half away and keeps the upper, again and again', () => {
    const m = machine(pages)
    for (let round = 0; round < 3; round++) {
      // Even pages of the lower half and odd ones of the upper share no entry.
      for (let n = 0; n < Math.min(pages, TLB.ENTRIES); n++) touch(m, page(n % 2 ? UPPER : BASE, n), WRITE)
      m.vcpu.flushLowerHalf()
      const { read, write } = tags(m)
      expect(read.length).toBe(Math.min(pages, TLB.ENTRIES) / 2)
      expect(read.every((tag) => tag >= UPPER)).toBe(true)
      expect(write).toEqual(read)
    }
    m.vcpu.flushAll()
    expect(tags(m)).toEqual(EMPTY)
  })

  test('writes are taken away, of all pages or of those of one frame', () => {
    const m = machine(pages)
    const other = m.map({ va: page(BASE, 1) })
    for (let n = 0; n < Math.min(pages, TLB.ENTRIES); n++) touch(m, page(BASE, n), WRITE)
    m.vcpu.revokeWritesTo(other)
    const { read, write } = tags(m)
    expect(write).toEqual(read.filter((tag) => tag !== page(BASE, 1)))
    m.vcpu.revokeWrites()
    expect(tags(m)).toEqual({ read, write: [], execute: [] })
  })
})

test('a page that comes and goes without end is found by the next flush', () => {
  const m = machine(3)
  for (let n = 0; n < 10_000; n++) {
    touch(m, page(UPPER, 1), READ)
    m.vcpu.flushPage(page(UPPER, 1))
  }
  touch(m, page(UPPER, 1), READ)
  touch(m, page(BASE, 2), READ)
  m.vcpu.flushLowerHalf()
  expect(tags(m).read).toEqual([page(UPPER, 1)])
  expect(m.vcpu.i32(CPU.USER)).toBe(0)
  m.vcpu.flushAll()
  expect(tags(m)).toEqual(EMPTY)
})

test('whatever half a page was of that an entry had before, none of the lower half is left, and all of the upper', () => {
  const m = machine(8)
  const random = new Random(5)
  let upper = new Set<bigint>()
  m.write(m.host(m.frameOf(BASE)), Uint8Array.of(0xeb, 0xfe))
  for (let step = 0; step < 20_000; step++) {
    const n = random.below(8)
    const base = random.one(BASE, UPPER)
    const what = random.below(40)
    if (what < 36) {
      touch(m, page(base, n), READ)
      if (base === UPPER) upper.add(page(UPPER, n))
      else upper.delete(page(UPPER, n))
    } else if (what < 38) {
      m.vcpu.flushPage(page(base, n))
      upper.delete(page(UPPER, n))
    } else if (what < 39) {
      execute(m, page(base, 0))
    } else {
      m.vcpu.flushLowerHalf()
      const { read, execute: code } = tags(m)
      expect([read, code.filter((tag) => tag < UPPER)]).toEqual([[...upper].sort(), []])
    }
    if (random.below(5000) > 0) continue
    m.vcpu.flushAll()
    expect(tags(m)).toEqual(EMPTY)
    upper = new Set()
  }
})

describe('where regions have gone on is forgotten', () => {
  const [FROM, TO] = [BASE, BASE + 0x1000n]
  /** dec ecx; jnz to itself; jmp rdx */
  const from = Uint8Array.of(0xff, 0xc9, 0x75, 0xfc, 0xff, 0xe2)
  /** add rax, n; dec rbx; jz to the int3; mov ecx, 2; jmp rsi; int3 */
  const to = (n: number): Uint8Array =>
    Uint8Array.of(...[0x48, 0x83, 0xc0, n, 0x48, 0xff, 0xcb, 0x74, 0x07], ...[0xb9, 2, 0, 0, 0, 0xff, 0xe6, 0xcc])

  function running(): Machine {
    const m = new Machine({ regionThreshold: 2 })
    m.write(m.map({ va: FROM }), from)
    m.write(m.map({ va: TO }), to(1))
    return m
  }

  function run(m: Machine): bigint {
    m.state = { rip: FROM, gpr: [0n, 2n, TO, 100n, 0n, 0n, FROM], rflags: 0x202n }
    expect(m.runner.run(1_000_000)).toBe('trap')
    return m.state.gpr[0]
  }

  test('when the page is mapped elsewhere', () => {
    const m = running()
    expect([run(m), run(m)]).toEqual([100n, 100n])
    m.write(m.map({ va: TO }), to(2))
    expect(run(m)).toBe(200n)
  })

  test('when its bytes change', () => {
    const m = running()
    expect([run(m), run(m)]).toEqual([100n, 100n])
    m.write(m.map({ va: TO, frame: 257 }), to(3))
    expect(run(m)).toBe(300n)
  })

  test('when the other mode has something else there', () => {
    const m = running()
    expect([run(m), run(m)]).toEqual([100n, 100n])
    const kernel = m.vcpu.i32(CPU.ROOT)
    m.views.u8.copyWithin(m.host(250), m.host(1), m.host(2))
    for (const [n, table] of [251, 252, 253].entries()) {
      const above = n === 0 ? m.host(250) : m.host(250 + n)
      const slot = (above >> 3) + Number((TO >> BigInt(39 - n * 9)) & 511n)
      const old = Number(m.views.u64[slot] >> 12n)
      m.views.u8.copyWithin(m.host(table), m.host(old), m.host(old) + 4096)
      m.views.u64[slot] = (BigInt(table) << 12n) | 7n
    }
    m.write(m.host(400), to(4))
    m.views.u64[(m.host(253) >> 3) + Number((TO >> 12n) & 511n)] = (400n << 12n) | 7n
    m.vcpu.setI32(CPU.ROOT, m.host(250))
    m.user(true)
    expect([run(m), run(m)]).toEqual([400n, 400n])
    m.vcpu.setI32(CPU.ROOT, kernel)
    m.user(false)
    expect(run(m)).toBe(100n)
  })
})
