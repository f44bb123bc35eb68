/** Accesses that share a look for their page, where they lie in two: the guest sees none of it. */
import { describe, expect, test } from 'vitest'
import { add, addTo, load, memory, R8, R9, RAX, RBX, RCX, RDI, RDX, RSI, RSP, store } from './code.ts'
import { BORDER, DATA, type LoopProgram, sameInAllTiers } from './loop.ts'

/** A struct of 40 bytes at rbx: its fields are read, written, and both. */
const STRUCT = [
  load(RAX, RBX, 0),
  add(RAX, RBX, 16),
  store(RAX, RBX, 8),
  addTo(RAX, RBX, 24, 4),
  load(RCX, RBX, 30, 2),
  store(RCX, RBX, 39, 1),
  add(RDX, RBX, 32, 4),
]
const BYTES = 40n

const loopOf = (
  instructions: readonly (readonly number[])[],
  gpr: LoopProgram['gpr'],
  more: Partial<LoopProgram> = {},
): LoopProgram => ({ body: (code) => code.put(...instructions.flat()), gpr, ...more })

describe('a struct', () => {
  test.each([
    ['that ends with its page', -BYTES, false],
    ['a byte of which is in the next page', 1n - BYTES, true],
    ['whose field lies in both', -19n, true],
    ['of which all but a byte are in the next page', -1n, true],
    ['that begins with a page', 0n, false],
  ])('%s', (_, offset, isApart) => {
    const { stop, apart } = sameInAllTiers(loopOf(STRUCT, { [RBX]: BORDER + offset }))
    expect(stop).toBe('trap')
    expect(apart > 0).toBe(isApart)
  })

  test.each([
    ['is in two pages once', 230n, 1],
    ['is in two pages by one byte once', 217n, 1],
    ['ends with a page once', 216n, 0],
  ])('that moves on and %s', (_, offset, times) => {
    // By 320 bytes a turn: through all of the pages.
    const moving = [...STRUCT, [0x48, 0x81, 0xc3, 0x40, 1, 0, 0]]
    const { apart } = sameInAllTiers(loopOf(moving, { [RBX]: DATA + offset }, { turns: 45 }))
    expect(apart).toBe(times)
  })

  test('that is reached from its end, downwards', () => {
    const downwards = [load(RAX, RBX, -8), store(RAX, RBX, -24), add(RCX, RBX, -16), store(RCX, RBX, -33, 2)]
    for (let offset = -2n; offset < 36n; offset++) {
      const { apart } = sameInAllTiers(loopOf(downwards, { [RBX]: BORDER + offset }, { turns: 8 }))
      expect(apart > 0).toBe((offset > 0n && offset < 16n) || (offset > 16n && offset < 33n))
    }
  })
})

describe('accesses', () => {
  test('to two structs at once', () => {
    const both = [load(RAX, RSI, 0), store(RAX, RDI, 0), load(RCX, RSI, 8), store(RCX, RDI, 8)]
    for (const [from, to] of [
      [-12n, 0x800n],
      [0x800n, -9n],
      [-8n, -4n],
      [-16n, -32n],
    ])
      sameInAllTiers(loopOf(both, { [RSI]: BORDER + from, [RDI]: BORDER + 0x1000n + to }))
  })

  test('by base and index, with a scale', () => {
    // mov rax, [rbx + rcx * 8 + 8]; add rax, [rbx + rcx * 8]; add [rbx + rcx * 8 - 8], rax; add edx, [rbx + rcx * 4]; inc ecx
    const at = { index: RCX, scale: 3 }
    const indexed = [
      memory([0x8b], RAX, RBX, 8, at),
      memory([0x03], RAX, RBX, 0, at),
      memory([0x01], RAX, RBX, -8, at),
      memory([0x03], RDX, RBX, 0, { index: RCX, scale: 2, size: 4 }),
      [0xff, 0xc1],
    ]
    expect(sameInAllTiers(loopOf(indexed, { [RBX]: BORDER - 0x51n })).apart).toBeGreaterThan(0)
  })

  test('that are more than are remembered at once', () => {
    // Ten registers, two fields of each.
    const bases = [RAX, RCX, RDX, RBX, 5, RSI, RDI, R8, R9, 10]
    const fields = [0, 8].flatMap((disp) => bases.map((base) => add(11, base, disp)))
    const turned = [0, 8].flatMap((disp) => [...bases].reverse().map((base) => store(11, base, disp + 16)))
    const gpr = Object.fromEntries(bases.map((base, n) => [base, BORDER + BigInt(n * 0x110 - 0x400)]))
    sameInAllTiers(loopOf([...fields, ...turned], gpr))
    sameInAllTiers(loopOf([...fields, ...turned], { ...gpr, [RDX]: BORDER - 12n, [R9]: BORDER + 0x1000n - 5n }))
  })

  test('far from each other by the same register', () => {
    const far = [
      load(RAX, RBX, 0),
      add(RAX, RBX, 248),
      add(RAX, RBX, 249),
      store(RAX, RBX, 0x1000),
      add(RCX, RBX, -0x900),
    ]
    for (const offset of [-256n, -257n, -255n, -8n, 0n]) sameInAllTiers(loopOf(far, { [RBX]: BORDER + offset }))
  })
})

describe('two operands in memory', () => {
  test.each<[string, readonly (readonly number[])[]]>([
    // push [rbx + 8]; pop [rbx - 8]; push [rbx]; pop rax
    ['of push and pop', [[0xff, 0x73, 8], [0x8f, 0x43, 0xf8], [0xff, 0x33], [0x58]]],
    // mov rsi, rbx; lea rdi, [rbx + 20]; movsq; movsd; movsb
    ['of movs', [[0x48, 0x89, 0xde, 0x48, 0x8d, 0x7b, 20, 0x48, 0xa5], [0xa5], [0xa4]]],
    // mov rsi, rbx; lea rdi, [rbx + 9]; cmpsb; cmpsq; cmpsd
    ['of cmps', [[0x48, 0x89, 0xde, 0x48, 0x8d, 0x7b, 9, 0xa6], [0x48, 0xa7], [0xa7]]],
    // mov rsi, rbx; lea rdi, [rbx + 3]; mov ecx, 21; rep movsb; mov rax, [rsi]
    [
      'of rep movs',
      [[0x48, 0x89, 0xde, 0x48, 0x8d, 0x7b, 3, 0xb9, 21, 0, 0, 0, 0xf3, 0xa4], load(RAX, RSI, 0), add(RAX, RDI, 0)],
    ],
  ])('%s', (_, instructions) => {
    const around = [load(RAX, RBX, 4), ...instructions, addTo(RAX, RBX, 12)]
    for (const offset of [-40n, -29n, -20n, -16n, -12n, -8n, -1n, 0n, 8n]) {
      const { stop } = sameInAllTiers(loopOf(around, { [RBX]: BORDER + offset, [RSP]: BORDER + 0x1008n }, { turns: 8 }))
      expect(stop).toBe('trap')
      sameInAllTiers(loopOf(around, { [RBX]: BORDER + offset, [RSP]: BORDER + offset + 16n }, { turns: 8 }))
    }
  })
})

describe('locked instructions at odd displacements', () => {
  // lock add [rbx + 5], rax; lock xadd [rbx + 14], ecx; xchg [rbx + 3], dx; lock inc byte [rbx + 21]
  const locked = [
    load(RAX, RBX, 0),
    [0xf0, ...addTo(RAX, RBX, 5)],
    [0xf0, ...memory([0x0f, 0xc1], RCX, RBX, 14, { size: 4 })],
    memory([0x87], RDX, RBX, 3, { size: 2 }),
    [0xf0, ...memory([0xfe], 0, RBX, 21, { size: 1 })],
    store(RAX, RBX, 24),
  ]

  test('do the same, aligned or not, in one page or two', () => {
    for (let offset = -33n; offset < 2n; offset++)
      sameInAllTiers(loopOf(locked, { [RBX]: BORDER + offset }, { turns: 8 }))
  })
})

describe('segments', () => {
  /** An opcode with fs:[disp], gs:[disp]. */
  const at = (prefix: number, opcode: number, disp: number) => [prefix, 0x48, opcode, 0x04, 0x25, disp, 0, 0, 0]
  const [FS, GS] = [0x64, 0x65]

  test('have what they reach apart from each other', () => {
    const code = [
      at(FS, 0x8b, 8),
      at(GS, 0x03, 8),
      at(FS, 0x03, 16),
      at(GS, 0x01, 16),
      at(FS, 0x01, 24),
      [GS, ...add(RAX, RBX, 8)],
      [FS, ...add(RAX, RBX, 0)],
      [FS, ...addTo(RAX, RBX, 12)],
      [GS, ...add(RAX, RBX, 0)],
    ]
    for (const [fs, gs] of [
      [BORDER, BORDER + 0x1000n],
      [BORDER - 20n, BORDER + 0x1000n],
      [BORDER + 0x800n, BORDER - 12n],
      [BORDER + 0x1ff0n, BORDER - 20n],
    ])
      for (const rbx of [0n, 40n, -16n])
        sameInAllTiers({ body: (asm) => asm.put(...code.flat()), gpr: { [RBX]: rbx + 64n }, fs, gs })
  })
})
