/** Looks hold where only one way leads to, and no further: blocks, loops, calls and jumps by address. */
import { describe, expect, test } from 'vitest'
import type { Assembler } from '../jit/assembler.ts'
import { add, addTo, load, move, R8, R9, R12, R13, R14, RAX, RBX, RCX, RDI, RDX, RSI, RSP, store } from './code.ts'
import { BORDER, CODE, DATA, sameInAllTiers, VECTOR } from './loop.ts'

const [ELSE, JOIN, INNER, CALLEE, OTHER, TABLE] = [1, 2, 3, 4, 5, 6]
const [ZERO, NOT_ZERO] = [4, 5]
/** test r15b, n */
const turn = (n: number): number[] => [0x41, 0xf6, 0xc7, n]
const FAR = BORDER + 0x1ff4n

interface Ways {
  readonly name: string
  /** rbx is where it is looked; r12 that from the beginning, r14 FAR from it. */
  readonly body: (code: Assembler) => void
  readonly functions?: (code: Assembler) => void
}

const programs: readonly Ways[] = [
  {
    name: 'two arms behind a look',
    body: (code) =>
      code
        .put(...load(RAX, RBX, 8), ...add(RAX, RBX, 0), ...turn(1))
        .jcc(ZERO, ELSE)
        .put(...add(RAX, RBX, -8), ...store(RAX, RBX, 24), ...addTo(RAX, RBX, 16))
        .jmp(JOIN)
        .label(ELSE)
        .put(...add(RCX, RBX, 32), ...load(RDX, RBX, -16), ...store(RDX, RBX, -24))
        .label(JOIN)
        .put(...add(RAX, RBX, 4), ...store(RAX, RBX, 40), ...add(RCX, RBX, 40)),
  },
  {
    name: 'arms in arms',
    body: (code) =>
      code
        .put(...store(RAX, RBX, 0), ...turn(1))
        .jcc(ZERO, JOIN)
        .put(...add(RAX, RBX, 8), ...turn(2))
        .jcc(ZERO, ELSE)
        .put(...add(RAX, RBX, 16), ...store(RCX, RBX, 12))
        .label(ELSE)
        .put(...add(RCX, RBX, -20), ...store(RAX, RBX, 20))
        .label(JOIN)
        .put(...add(RDX, RBX, 28)),
  },
  {
    name: 'an arm that changes the base, before they meet',
    body: (code) =>
      code
        .put(...load(RAX, RBX, 0), ...add(RAX, RBX, 8), ...turn(1))
        .jcc(ZERO, JOIN)
        .put(...move(RBX, R14), ...add(RAX, RBX, 0), ...store(RAX, RBX, 8))
        .label(JOIN)
        .put(...add(RCX, RBX, 8), ...store(RCX, RBX, 0), ...add(RCX, RBX, 4)),
  },
  {
    name: 'an arm that changes the base by a constant',
    body: (code) =>
      code
        .put(...load(RAX, RBX, 0), ...turn(1))
        .jcc(NOT_ZERO, JOIN)
        .put(0x48, 0x83, 0xc3, 16)
        .label(JOIN)
        .put(...add(RCX, RBX, 8), ...add(RCX, RBX, 0), ...store(RCX, RBX, 24)),
  },
  {
    name: 'a loop behind a look, whose base goes on',
    // mov ecx, 9; (inner:) add rax, [rbx]; mov [rbx + 8], rax; add rdx, [rbx - 8]; add rbx, 24; dec ecx; jnz
    body: (code) =>
      code
        .put(...load(RAX, RBX, 0), ...add(RAX, RBX, 16), 0xb9, 9, 0, 0, 0)
        .label(INNER)
        .put(...add(RAX, RBX, 0), ...store(RAX, RBX, 8), ...add(RDX, RBX, -8), 0x48, 0x83, 0xc3, 24, 0xff, 0xc9)
        .jcc(NOT_ZERO, INNER)
        .put(...add(RAX, RBX, 0), ...add(RAX, RBX, -16)),
  },
  {
    name: 'a loop that goes from page to page',
    // mov ecx, 3; (inner:) ...; add rbx, 0x7f8; dec ecx; jnz
    body: (code) =>
      code
        .put(0xb9, 3, 0, 0, 0)
        .label(INNER)
        .put(...add(RAX, RBX, 0), ...add(RAX, RBX, 8), ...store(RAX, RBX, 16, 4), 0x48, 0x81, 0xc3, 0xf8, 7, 0, 0)
        .put(0xff, 0xc9)
        .jcc(NOT_ZERO, INNER),
  },
  {
    name: 'a list that is followed',
    // mov [rbx], r14; mov [r14], rbx; mov ecx, 6; (inner:) add rax, [rbx + 8]; inc [rbx + 16]; mov rbx, [rbx]; dec ecx; jnz
    body: (code) =>
      code
        .put(...store(R14, RBX, 0), ...store(RBX, R14, 0), 0xb9, 6, 0, 0, 0)
        .label(INNER)
        .put(...add(RAX, RBX, 8), ...addTo(R13, RBX, 16), ...load(RBX, RBX, 0), 0xff, 0xc9)
        .jcc(NOT_ZERO, INNER)
        .put(...add(RAX, RBX, 8)),
  },
  {
    name: 'a loop with two entries',
    body: (code) =>
      code
        .put(...load(RAX, RBX, 0), 0xb9, 5, 0, 0, 0, ...turn(1))
        .jcc(ZERO, ELSE)
        .label(INNER)
        .put(...add(RAX, RBX, 8), ...add(RAX, RBX, 0), 0x48, 0x83, 0xc3, 9)
        .label(ELSE)
        .put(...add(RDX, RBX, 16), ...store(RDX, RBX, 8), 0xff, 0xc9)
        .jcc(NOT_ZERO, INNER),
  },
  {
    name: 'a function that two places call, each with its base',
    body: (code) =>
      code
        .put(...load(RAX, RBX, 0))
        .call(CALLEE)
        .put(...add(RAX, RBX, 8), ...move(RBX, R14), ...add(RAX, RBX, 0))
        .call(CALLEE)
        .put(...add(RAX, RBX, 8), ...store(RAX, RBX, 20)),
    functions: (code) => code.label(CALLEE).put(...add(RDX, RBX, 8), ...store(RDX, RBX, 16), ...add(RDX, RBX, 0), 0xc3),
  },
  {
    name: 'a function that changes the base',
    body: (code) =>
      code
        .put(...load(RAX, RBX, 0), ...store(RAX, RBX, 8))
        .call(CALLEE)
        .put(...add(RAX, RBX, 8), ...store(RAX, RBX, 0)),
    functions: (code) => code.label(CALLEE).put(...add(RDX, RBX, 16), ...move(RBX, R14), ...add(RDX, RBX, 16), 0xc3),
  },
  {
    name: 'jumps by address',
    // lea rax, [rip + else] or [rip + other], by turns (cmovz); jmp rax
    body: (code) =>
      code
        .put(...load(RCX, RBX, 0), ...add(RCX, RBX, 8))
        .to(ELSE, 0x48, 0x8d, 0x05)
        .to(OTHER, 0x48, 0x8d, 0x15)
        .put(...turn(1), 0x48, 0x0f, 0x44, 0xc2, 0xff, 0xe0)
        .label(ELSE)
        .put(...move(RBX, R14), ...add(RCX, RBX, 8), ...store(RCX, RBX, 0))
        .jmp(JOIN)
        .label(OTHER)
        .put(...add(RCX, RBX, 16), ...store(RCX, RBX, 24))
        .label(JOIN)
        .put(...add(RCX, RBX, 4)),
  },
  {
    name: 'what is repeated, between accesses',
    // mov rdi, rbx; mov ecx, 5; rep stosd; mov rax, [rdi]
    body: (code) =>
      code
        .put(
          ...move(RBX, R12),
          ...load(RAX, RBX, 0),
          ...move(RDI, RBX),
          ...add(RAX, RDI, 4),
          0xb9,
          5,
          0,
          0,
          0,
          0xf3,
          0xab,
        )
        .put(...add(RDX, RDI, 4), ...add(RDX, RDI, 0), ...store(RAX, RBX, 12), ...add(RDX, RBX, 30)),
  },
  {
    name: 'code in two pages, with what lies behind it',
    // jmp to the end of the page; (table:) add rax, [rip + ...]; add [rip + ...], rax: of the second page
    body: (code) =>
      code
        .put(...add(RAX, RBX, 0))
        .jmp(TABLE)
        .label(JOIN)
        .put(...add(RAX, RBX, 8)),
    functions: (code) => {
      code.skipTo(0xfd0).label(TABLE)
      for (const [opcode, to] of [
        [0x03, 0xff8],
        [0x03, 0xffc],
        [0x03, 0x1010],
        [0x03, 0x1018],
        [0x01, 0x1020],
      ])
        code.put(0x48, opcode, 0x05, ...new Uint8Array(Int32Array.of(to - (code.offset + 7)).buffer))
      code.jmp(JOIN)
    },
  },
]

/** cmp r15d, r8d; cmovz r12, r9; mov rbx, r12: from some turn on the base is another. */
const BASE = [0x45, 0x39, 0xc7, 0x4d, 0x0f, 0x44, 0xe1, ...move(RBX, R12)]

const programOf = ({ body, functions }: Ways) => ({
  body: (code: Assembler) => body(code.put(...BASE)),
  ...(functions && { functions }),
})

const gpr = (base: bigint) => ({ [RBX]: base, [R12]: base, [R13]: 3n, [R14]: FAR, [RSP]: DATA + 0x2c00n, [RSI]: DATA })

describe.each(programs)('$name', (ways) => {
  const program = programOf(ways)

  test.each([8n, 12n, 21n, 30n, -8n])('%i bytes before a border', (before) => {
    expect(sameInAllTiers({ ...program, gpr: gpr(BORDER - before) }).stop).toBe('trap')
  })

  test('where one of the pages is not there, or may only be read', () => {
    for (const before of [16n, 12n, 0n, -8n])
      for (const change of [{ missing: [DATA] }, { missing: [BORDER] }, { readOnly: [DATA] }, { readOnly: [BORDER] }])
        sameInAllTiers(
          { ...program, gpr: gpr(DATA + 0x2700n) },
          { ...change, gpr: { [R8]: 9n, [R9]: BORDER - before } },
        )
  })
})

test('what lies behind the code in the next page faults where that is not there', () => {
  const program = programOf(programs.find(({ name }) => name.startsWith('code in two pages')) as Ways)
  const { fault, rip } = sameInAllTiers({ ...program, gpr: gpr(DATA) }, { missing: [CODE + 0x1000n] })
  expect([fault?.vector, fault?.address, rip]).toEqual([VECTOR.PF, CODE + 0x1000n, CODE + 0xfd7n])
})
