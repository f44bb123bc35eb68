/** Accesses that have to be aligned fault where they are not, whoever has looked for their page. */
import { describe, expect, test } from 'vitest'
import type { Assembler } from '../jit/assembler.ts'
import { addNumber, load, memory, RAX, RBX, RCX, RSI, store } from './code.ts'
import { BORDER, DATA, placeOf, type Same, sameInAllTiers, VECTOR } from './loop.ts'

const XMM = { size: 4 } as const
const movaps = (xmm: number, disp: number, base: number = RBX) => memory([0x0f, 0x28], xmm, base, disp, XMM)
const movapsTo = (xmm: number, disp: number, base: number = RBX) => memory([0x0f, 0x29], xmm, base, disp, XMM)
const movups = (xmm: number, disp: number, base: number = RBX) => memory([0x0f, 0x10], xmm, base, disp, XMM)
const movupsTo = (xmm: number, disp: number, base: number = RBX) => memory([0x0f, 0x11], xmm, base, disp, XMM)
const pxor = (xmm: number, disp: number) => [0x66, ...memory([0x0f, 0xef], xmm, RBX, disp, XMM)]

/** Labels. */
const [APART, BACK] = [1, 2]

type Code = readonly (readonly number[])[]

/** Aligned the first time. */
const run = (code: Code, rbx: bigint, missing: readonly bigint[] = [], first: bigint = DATA + 0x2800n): Same =>
  sameInAllTiers(
    { body: (asm) => asm.put(...code.flat()), gpr: { [RBX]: first, [RSI]: DATA + 0x2400n } },
    { missing, gpr: { [RBX]: rbx } },
  )

/** Each with the instruction that faults where rbx is a multiple of 16, and 8 more than one; none is -1. */
const programs: readonly [string, Code, number, number][] = [
  ['loads', [movaps(0, 0), movaps(1, 16), movaps(2, 32)], -1, 0],
  ['stores', [movapsTo(0, 0), movapsTo(1, 16), movapsTo(2, -16)], -1, 0],
  ['loads and stores', [movaps(0, 0), movapsTo(0, 16), movaps(1, 32), movapsTo(1, 48)], -1, 0],
  ['a load of what need not be, first', [load(RAX, RBX, 8), load(RCX, RBX, 0), movaps(0, 16), movaps(1, 32)], -1, 2],
  ['loads of what need not be, first', [movups(0, 3), movups(1, 8), movaps(0, 16), load(RAX, RBX, 40)], -1, 2],
  ['pxor', [load(RAX, RBX, 0), pxor(1, 16), pxor(2, 32)], -1, 1],
  ['a store of what need not be, first', [store(RAX, RBX, 1), movupsTo(1, 9), movapsTo(0, 32)], -1, 2],
]
/** As above, on purpose elsewhere than at multiples of 16: where rbx is one, and 8 more. */
const others: readonly [string, Code, number, number][] = [
  ['a load 8 bytes behind one that is aligned', [movaps(0, 0), movaps(1, 16), movaps(2, 40)], 2, 0],
  ['a load 8 bytes behind one that need not be', [movups(0, 0), movaps(1, 8), movaps(2, 24)], 1, -1],
  ['a store 8 bytes behind a load', [movaps(0, 0), movaps(1, 16), movapsTo(2, 16), movapsTo(2, 24)], 3, 0],
  ['a store 1 byte behind another', [movapsTo(0, 0), movapsTo(1, 1)], 1, 0],
  ['one of both kinds', [load(RAX, RBX, 0), movaps(0, 0), movaps(1, 8)], 2, 1],
  ['by a register that has moved on by 8', [movaps(0, 0), addNumber(RBX, 8), movaps(1, 8), movaps(2, 16)], 3, 0],
  [
    'by a register that has moved on by 16',
    [movaps(0, 0), addNumber(RBX, 16), movaps(1, 0), addNumber(RBX, -16)],
    -1,
    0,
  ],
  // lea rsi, [rbx + 4]
  ['by a register beside it', [movaps(0, 0), [0x48, 0x8d, 0x73, 4], movaps(1, 12, RSI), movaps(1, 13, RSI)], 3, 0],
]

describe.each([...programs, ...others])('%s', (_, code, aligned, misaligned) => {
  test.each([
    ['in a page', BORDER + 0x200n],
    ['across two', BORDER - 0x10n],
    ['at the end of one', BORDER - 0x40n],
  ])('%s', (_, rbx) => {
    // What faults in its first turn has to be made of turns without.
    const first = aligned < 0 ? DATA + 0x2800n : DATA + 0x2808n
    if (aligned >= 0 && misaligned >= 0) return
    for (const [offset, faults] of [
      [0n, aligned],
      [8n, misaligned],
    ] as const) {
      const { stop, fault, rip, retired } = run(code, rbx + offset, [], first)
      if (faults < 0) expect(stop).toBe('trap')
      else {
        expect(fault).toEqual({ vector: VECTOR.GP, error: 0, address: undefined })
        expect([rip, retired]).toEqual([placeOf(code, faults), faults])
      }
    }
  })
})

describe('accesses that cannot all be aligned', () => {
  test.each([...programs, ...others].filter(([, , aligned, misaligned]) => aligned >= 0 && misaligned >= 0))(
    '%s',
    (_, code, aligned, misaligned) => {
      // test r15d, r15d; js to where they are, once r15 is below 0: before that the loop goes round without.
      const body = (asm: Assembler) => asm.put(0x45, 0x85, 0xff).jcc(8, APART).label(BACK)
      const functions = (asm: Assembler) =>
        asm
          .label(APART)
          .put(...code.flat())
          .jmp(BACK)
      const before = 19n
      for (const [offset, faults] of [
        [0n, aligned],
        [8n, misaligned],
      ] as const) {
        const { fault, rip, retired } = sameInAllTiers(
          { body, functions, gpr: { [RBX]: BORDER + 0x200n + offset, [RSI]: DATA }, turns: 50 },
          { gpr: { 15: 0x8000_0000n } },
        )
        expect(fault).toEqual({ vector: VECTOR.GP, error: 0, address: undefined })
        expect([rip, retired]).toEqual([placeOf(code, faults) + before, faults + 2])
      }
    },
  )
})

describe('misaligned, in pages of which one is not there', () => {
  test.each([...programs])('%s', (_, code) => {
    for (const offset of [8n, 0n, 15n])
      for (const rbx of [BORDER, BORDER - 16n, BORDER - 32n, BORDER - 24n])
        for (const missing of [[DATA], [BORDER]]) run(code, rbx + offset, missing)
  })
})

describe('lock cmpxchg16b', () => {
  test.each([
    [0n, -1],
    [8n, 2],
  ])('beside others, at %i', (offset, faults) => {
    // mov rax, [rbx]; mov [rbx + 40], rax; lock cmpxchg16b [rbx + 16]; lock cmpxchg16b [rbx + 32]
    const exchange = (disp: number) => [0xf0, ...memory([0x0f, 0xc7], 1, RBX, disp)]
    const code = [load(RAX, RBX, 0), store(RAX, RBX, 40), exchange(16), exchange(32)]
    for (const rbx of [BORDER + 0x100n, BORDER - 16n, BORDER - 32n]) {
      const { stop, fault, rip } = run(code, rbx + offset)
      expect(stop).toBe(faults < 0 ? 'trap' : 'fault')
      if (faults >= 0) expect([fault?.vector, rip]).toEqual([VECTOR.GP, placeOf(code, faults)])
    }
  })
})
