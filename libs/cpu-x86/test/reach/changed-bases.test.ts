/** What is reached by a register that was changed is where it leads now, not beside what was reached by it before. */
import { describe, expect, test } from 'vitest'
import type { Assembler } from '../jit/assembler.ts'
import { add, addTo, load, memory, move, R12, R13, R14, RAX, RBX, RCX, RDI, RDX, RSI, RSP, store } from './code.ts'
import { BORDER, DATA, LOW, sameInAllTiers } from './loop.ts'

const OLD = DATA + 0x800n
const NEW = BORDER + 0x1340n
/** Of old. */
const POINTER = OLD + 0x40n
const DISTANCE = NEW - OLD

interface BaseChange {
  readonly name: string
  /** rbx is OLD, r14 NEW, r13 what is between them, at POINTER is NEW as well; r15 counts down. */
  readonly change: readonly number[]
  readonly gpr?: Readonly<Record<number, bigint>>
  /** At POINTER, if it is not NEW. */
  readonly pointer?: bigint
}

const changes: readonly BaseChange[] = [
  { name: 'a load', change: load(RBX, RBX, 0x40) },
  { name: 'a load of 4 bytes', change: load(RBX, RBX, 0x40, 4) },
  { name: 'a load of 2 bytes', change: load(RBX, RBX, 0x40, 2) },
  { name: 'add rbx, r13', change: [0x4c, 0x01, 0xeb] },
  { name: 'sub rbx, r13', change: [0x4c, 0x29, 0xeb], gpr: { [R13]: -DISTANCE } },
  { name: 'add rbx, [rsi]', change: add(RBX, RSI, 0), gpr: { [RSI]: POINTER }, pointer: DISTANCE },
  { name: 'lea rbx, [rbx + r13]', change: [0x4a, 0x8d, 0x1c, 0x2b] },
  { name: 'lea rbx, [rbx + r13 * 2 + 8]', change: [0x4a, 0x8d, 0x5c, 0x6b, 8], gpr: { [R13]: 0x400n } },
  { name: 'mov rbx, r14', change: move(RBX, R14) },
  { name: 'mov ebx, r14d', change: [0x44, 0x89, 0xf3] },
  { name: 'mov bx, r14w', change: [0x66, 0x44, 0x89, 0xf3] },
  { name: 'mov bl, 0x40', change: [0xb3, 0x40] },
  { name: 'mov bh, 0x12', change: [0xb7, 0x12] },
  { name: 'inc bl', change: [0xfe, 0xc3] },
  { name: 'add ebx, 8', change: [0x83, 0xc3, 8] },
  { name: 'lea ebx, [rbx + 8]', change: [0x8d, 0x5b, 8] },
  { name: 'mov ebx, ebx', change: [0x89, 0xdb] },
  { name: 'mov rbx, imm', change: [0x48, 0xbb, ...new Uint8Array(BigInt64Array.of(NEW).buffer)] },
  { name: 'mov ebx, imm', change: [0xbb, 0x40, 0x23, 0x70, 0] },
  { name: 'add rbx, 0x1340', change: [0x48, 0x81, 0xc3, 0x40, 0x13, 0, 0] },
  { name: 'add rbx, 24', change: [0x48, 0x83, 0xc3, 24] },
  { name: 'sub rbx, -24', change: [0x48, 0x83, 0xeb, 0xe8] },
  { name: 'inc rbx', change: [0x48, 0xff, 0xc3] },
  { name: 'and rbx, -64', change: [0x48, 0x83, 0xe3, 0xc0] },
  { name: 'or rbx, 32', change: [0x48, 0x83, 0xcb, 32] },
  { name: 'xor rbx, r13', change: [0x4c, 0x31, 0xeb], gpr: { [R13]: OLD ^ NEW } },
  { name: 'cmp r15d, r12d; adc rbx, 7', change: [0x45, 0x39, 0xe7, 0x48, 0x83, 0xd3, 7] },
  { name: 'cmp r15d, r12d; sbb rbx, 0x100', change: [0x45, 0x39, 0xe7, 0x48, 0x81, 0xdb, 0, 1, 0, 0] },
  { name: 'shr rbx, 12; shl rbx, 12', change: [0x48, 0xc1, 0xeb, 12, 0x48, 0xc1, 0xe3, 12] },
  { name: 'shl rbx, 1; sub rbx, r13', change: [0x48, 0xd1, 0xe3, 0x4c, 0x29, 0xeb], gpr: { [R13]: 2n * OLD - NEW } },
  { name: 'neg rbx; not rbx', change: [0x48, 0xf7, 0xdb, 0x48, 0xf7, 0xd3] },
  { name: 'bswap rbx; bswap rbx', change: [0x48, 0x0f, 0xcb, 0x48, 0x0f, 0xcb] },
  { name: 'imul rbx, rbx, 1; add rbx, r13', change: [0x48, 0x6b, 0xdb, 1, 0x4c, 0x01, 0xeb] },
  { name: 'xchg rbx, r14', change: [0x4c, 0x87, 0xf3] },
  { name: 'xchg rbx, [rsi]', change: memory([0x87], RBX, RSI, 0), gpr: { [RSI]: POINTER } },
  { name: 'mov rdi, r13; xadd rbx, rdi', change: [...move(RDI, R13), 0x48, 0x0f, 0xc1, 0xfb] },
  {
    name: 'mov [rsi], r14; xadd [rsi], rbx',
    change: [...store(R14, RSI, 0), ...memory([0x0f, 0xc1], RBX, RSI, 0)],
    gpr: { [RSI]: POINTER },
  },
  { name: 'test r15b, 1; cmovnz rbx, r14', change: [0x41, 0xf6, 0xc7, 1, 0x49, 0x0f, 0x45, 0xde] },
  { name: 'test r15b, 1; cmovz ebx, r14d', change: [0x41, 0xf6, 0xc7, 1, 0x41, 0x0f, 0x44, 0xde] },
  { name: 'test r15b, 1; setnz bl', change: [0x41, 0xf6, 0xc7, 1, 0x0f, 0x95, 0xc3] },
  { name: 'push r14; pop rbx', change: [0x41, 0x56, 0x5b] },
  { name: 'push r14; pop bx', change: [0x41, 0x56, 0x66, 0x5b, 0x48, 0x83, 0xc4, 6] },
  { name: 'mov rax, rbx; cmpxchg rbx, r14', change: [0x48, 0x89, 0xd8, 0x4c, 0x0f, 0xb1, 0xf3] },
  { name: 'xor eax, eax; cmpxchg rbx, r14', change: [0x31, 0xc0, 0x4c, 0x0f, 0xb1, 0xf3] },
  { name: 'mov rax, r14; xchg rax, rbx', change: [0x4c, 0x89, 0xf0, 0x48, 0x93] },
  { name: 'movq xmm0, r14; movq rbx, xmm0', change: [0x66, 0x49, 0x0f, 0x6e, 0xc6, 0x66, 0x48, 0x0f, 0x7e, 0xc3] },
  { name: 'bsf rbx, rax (of nothing)', change: [0x31, 0xc0, 0x48, 0x0f, 0xbc, 0xd8] },
  { name: 'mov ecx, 0; shl rbx, cl', change: [0xb9, 0, 0, 0, 0, 0x48, 0xd3, 0xe3] },
  // mov rsi, rbx; lodsq; lea rbx, [rsi + 0x800]
  { name: 'lodsq', change: [0x48, 0x89, 0xde, 0x48, 0xad, 0x48, 0x8d, 0x9e, 0, 8, 0, 0] },
  // mov rsi, rbx; std; lodsq; cld; mov rbx, rsi
  { name: 'lodsq downwards', change: [0x48, 0x89, 0xde, 0xfd, 0x48, 0xad, 0xfc, 0x48, 0x89, 0xf3] },
  // mov rdi, rbx; mov ecx, 3; rep stosq; mov rbx, rdi
  { name: 'rep stosq', change: [0x48, 0x89, 0xdf, 0xb9, 3, 0, 0, 0, 0xf3, 0x48, 0xab, 0x48, 0x89, 0xfb] },
  // mov ecx, 0x900; dec rcx; lea rbx, [rbx + rcx]
  { name: 'lea by what is counted', change: [0xb9, 0, 9, 0, 0, 0x48, 0xff, 0xc9, 0x48, 0x8d, 0x1c, 0x0b] },
]

const gprOf = (more: BaseChange['gpr']) => ({
  [RSP]: DATA + 0x2ff0n,
  [R12]: OLD,
  [R13]: DISTANCE,
  [R14]: NEW,
  [RBX]: OLD,
  ...more,
})

/** Where they are needed, the low halves of OLD and NEW are mapped too; `mov rbx, r12` begins each turn. */
const around = (change: readonly number[]) => (code: Assembler) =>
  code
    .put(...move(RBX, R12), ...load(RAX, RBX, 0), ...add(RAX, RBX, 8), ...store(RAX, RBX, 16), ...addTo(RAX, RBX, 24))
    .put(...change)
    .put(...load(RCX, RBX, 8), ...addTo(RCX, RBX, 0x20), ...add(RDX, RBX, 0x10), ...store(RDX, RBX, 0x30, 4))

describe('a base that is changed between accesses by', () => {
  test.each(changes)('$name', ({ change, gpr, pointer = NEW }) => {
    const program = { body: around(change), gpr: gprOf(gpr), memory: [[POINTER, pointer]] as const }
    sameInAllTiers(program)
    // Where it is a different one in every turn.
    const all = {
      ...program,
      body: (code: Assembler) => around(change)(code).put(0x49, 0x83, 0xc6, 8, 0x49, 0xff, 0xc5),
    }
    sameInAllTiers(all)
  })

  test('what only some turns do', () => {
    // test r15b, 1; jz over; add rbx, r13; (over:)
    const { stop } = sameInAllTiers({ body: around([0x41, 0xf6, 0xc7, 1, 0x74, 3, 0x4c, 0x01, 0xeb]), gpr: gprOf({}) })
    expect(stop).toBe('trap')
  })
})

describe('an index that is changed between accesses', () => {
  // mov ecx, 5; three loads by rbx + rcx * 8; the change; two more; a store
  const by = { index: RCX, scale: 3 }
  test.each([
    ['by a constant', [0x48, 0x83, 0xc1, 2]],
    ['by its low half', [0xff, 0xc1]],
    ['by a load', load(RCX, RSI, 0)],
    ['by its own double', [0x48, 0x01, 0xc9]],
    ['by a shift', [0x48, 0xc1, 0xe1, 6]],
    ['and its base the other way', [0x48, 0x83, 0xc1, 1, 0x48, 0x83, 0xeb, 8]],
    // rep lodsb; repe cmpsb
    ['by what is repeated', [0xf3, 0xac]],
    ['by what is repeated until it differs', [0x48, 0x89, 0xf7, 0xf3, 0xa6]],
    ['with its base for it', [0x48, 0x01, 0xcb, 0x48, 0x29, 0xcb]],
  ])('%s', (_, change) => {
    const code = [
      [0xb9, 5, 0, 0, 0],
      ...[0, 8, 40].map((disp) => memory([0x03], RAX, RBX, disp, by)),
      change,
      ...[0, 16].map((disp) => memory([0x03], RAX, RBX, disp, by)),
      memory([0x89], RAX, RBX, -8, by),
    ]
    for (const rbx of [OLD, BORDER - 0x30n, BORDER - 0x3cn])
      sameInAllTiers({
        body: (asm) => asm.put(...code.flat()),
        gpr: { [RBX]: rbx, [RSI]: POINTER },
        memory: [[POINTER, 77n]],
        turns: 12,
      })
  })
})

describe('the pointer of an instruction with two', () => {
  test('is what it is before or behind it, as that says', () => {
    // xchg rbx, [rbx + 0x40]; mov rax, [rbx]; xadd [rbx + 8], rbx; pop [rsp + 8]; push rsp; pop rdi; mov rax, [rdi]
    const code = [
      move(RBX, R12),
      load(RAX, RBX, 0),
      memory([0x87], RBX, RBX, 0x40),
      add(RAX, RBX, 0),
      [0x8f, 0x44, 0x24, 8],
      [0x54],
      [0x5f],
      add(RAX, RDI, 0),
      add(RAX, RSP, -8),
      [0x50],
      [0x54],
      [0x5c],
      [0x58],
    ]
    const { stop } = sameInAllTiers({
      body: (asm) => asm.put(...code.flat(), 0x48, 0x83, 0xec, 8),
      gpr: { [RSP]: DATA + 0x3010n, [R12]: OLD, [RBX]: OLD },
      memory: [[POINTER, NEW]],
    })
    expect(stop).toBe('trap')
  })

  test('loses its high half where that is cut off', () => {
    // mov rbx, r12; mov rax, [rbx]; add rax, [rbx + 8]; add rax, [ebx]; add rax, [ebx + 8]; mov [ebx], eax
    const code = [
      [0x67, ...add(RAX, RBX, 0)],
      [0x67, ...add(RAX, RBX, 8)],
      [0x67, ...store(RAX, RBX, 0, 4)],
    ]
    const { changed } = sameInAllTiers({
      body: (asm) => asm.put(...move(RBX, R12), ...load(RAX, RBX, 0), ...add(RAX, RBX, 8), ...code.flat()),
      gpr: { [R12]: OLD, [RBX]: OLD },
    })
    expect(Object.keys(changed).every((at) => BigInt(`0x${at}`) < LOW + 0x1000n)).toBe(true)
  })
})
