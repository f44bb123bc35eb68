/** Frames of functions, which push, pop and moves by rsp and rbp reach by one look: wherever the stack is. */
import { describe, expect, test } from 'vitest'
import type { Assembler } from '../jit/assembler.ts'
import { add, addTo, load, R13, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP, store } from './code.ts'
import { BORDER, DATA, type LoopProgram, sameInAllTiers, VECTOR } from './loop.ts'

const CALLEE = 5
const INNER = 6

interface Frame {
  readonly name: string
  readonly body: (code: Assembler) => void
  readonly functions?: (code: Assembler) => void
  /** Lowest and highest byte that it reaches, from rsp. */
  readonly from: number
  readonly to: number
}

const PUSH_ALL = [0x55, 0x53, 0x56, 0x57]
const POP_ALL = [0x5f, 0x5e, 0x5b, 0x5d]

const frames: readonly Frame[] = [
  {
    name: 'of push and pop',
    // push rbp; push rbx; push rsi; push rdi; inc ebx; and back
    body: (code) => code.put(...PUSH_ALL, 0xff, 0xc3, ...POP_ALL),
    from: -32,
    to: 0,
  },
  {
    name: 'with room for variables',
    // push rbp; push rbx; ...; sub rsp, 24; ...; add rsp, 24; ...
    body: (code) =>
      code
        .put(...PUSH_ALL, 0x48, 0x83, 0xec, 24)
        .put(...store(RDX, RSP, 0), ...store(RDX, RSP, 8, 4), ...add(RAX, RSP, 24), ...addTo(RAX, RSP, 3))
        .put(0x48, 0x83, 0xc4, 24, ...POP_ALL),
    from: -56,
    to: 0,
  },
  {
    name: 'by rbp',
    // push rbp; mov rbp, rsp; sub rsp, 32; ...; leave
    body: (code) =>
      code
        .put(0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 32)
        .put(...store(RAX, RBP, -8), ...add(RCX, RSP, 24), ...addTo(RCX, RBP, -24), ...load(RAX, RSP, 8), 0xc9)
        .put(0xff, 0xc0),
    from: -40,
    to: 0,
  },
  {
    name: 'of a call that saves registers',
    // push 5; call; add rsp, 8; add eax, [rsp - 16]
    body: (code) =>
      code
        .put(0x6a, 5)
        .call(CALLEE)
        .put(0x48, 0x83, 0xc4, 8, ...add(RAX, RSP, -16)),
    functions: (code) =>
      code
        .label(CALLEE)
        .put(...PUSH_ALL, ...add(RAX, RSP, 40), ...addTo(RAX, RSP, -8))
        .put(...POP_ALL, ...store(RSI, RSP, -8), 0xc3),
    from: -56,
    to: 0,
  },
  {
    name: 'of calls in calls',
    body: (code) => code.call(CALLEE).call(INNER),
    // push rbx; call inner; pop rbx; ret; inner: mov rcx, [rsp]; push rcx; add rdx, [rsp + 8]; pop rcx; ret 0
    functions: (code) =>
      code
        .label(CALLEE)
        .put(0x53)
        .call(INNER)
        .put(0x5b, 0xc3)
        .label(INNER)
        .put(...load(RCX, RSP, 0), 0x51, ...add(RDX, RSP, 8), 0x59, 0xc2, 0, 0),
    from: -32,
    to: 0,
  },
  {
    name: 'of small and odd pushes',
    // push ax; push 0x1234 (16 bits); push rcx; pop dx; pop rdi; pop ax
    body: (code) =>
      code.put(0x66, 0x50, 0x66, 0x68, 0x34, 0x12, 0x51, 0x66, 0x5a, ...add(RAX, RSP, 0), 0x5f, 0x66, 0x58, 0xff, 0xc0),
    from: -12,
    to: 0,
  },
  {
    name: 'of operands by rsp',
    // push [rsp + 8]; pop [rsp + 16]; push rsp; pop rsi; pop [rsp - 24]; push [rsp - 32]
    body: (code) =>
      code.put(0xff, 0x74, 0x24, 8, 0x8f, 0x44, 0x24, 16, 0x54, 0x5e, 0x8f, 0x44, 0x24, 0xe8, 0xff, 0x74, 0x24, 0xe0),
    from: -24,
    to: 24,
  },
  {
    name: 'that rsp leaves and comes back to',
    // push rbx; mov r13, rsp; lea rsp, [rsi + 64]; push rax; add rax, [rsp + 8]; mov rsp, r13; pop rdi; push rdi; pop rbx
    body: (code) =>
      code
        .put(0x53, 0x49, 0x89, 0xe5, 0x48, 0x8d, 0x66, 64, 0x50, ...add(RAX, RSP, 8), 0x4c, 0x89, 0xec)
        .put(0x5f, 0x57, 0x5b),
    from: -8,
    to: 0,
  },
  {
    name: 'aligned by hand',
    // mov r13, rsp; and rsp, -32; push rax; push rcx; add rax, [rsp + 8]; mov rsp, r13; push rax; pop rax
    body: (code) =>
      code
        .put(0x49, 0x89, 0xe5, 0x48, 0x83, 0xe4, 0xe0, 0x50, 0x51, ...add(RAX, RSP, 8), 0x4c, 0x89, 0xec, 0x50, 0x58)
        .put(...add(RAX, R13, -8)),
    from: -48,
    to: 0,
  },
]

const programOf = ({ body, functions }: Frame, rsp: bigint, turns = 16): LoopProgram => ({
  body,
  ...(functions && { functions }),
  gpr: { [RSP]: rsp, [RBP]: DATA + 0x2900n, [RSI]: DATA + 0x2c00n, [RBX]: 3n, [RDI]: 7n },
  turns,
})

describe.each(frames)('a frame $name', (frame) => {
  test('across two pages', () => {
    let left = 0
    for (const odd of [0n, 3n])
      for (let down = BigInt(frame.from) - 8n; down <= BigInt(frame.to) + 8n; down += 8n) {
        const { stop, apart } = sameInAllTiers(programOf(frame, BORDER - down + odd, 8))
        expect(stop).toBe('trap')
        left += apart
      }
    expect(left).toBeGreaterThan(0)
  })

  test('where the page below is not there, or may only be read', () => {
    const middle = BORDER - BigInt((frame.from + frame.to) >> 1)
    for (const rsp of [middle, middle - (middle & 7n), BORDER + 8n, BORDER])
      for (const change of [{ missing: [DATA] }, { readOnly: [DATA] }]) {
        const { stop, fault } = sameInAllTiers(programOf(frame, DATA + 0x2800n), { ...change, gpr: { [RSP]: rsp } })
        if (stop === 'fault') expect(fault?.vector).toBe(VECTOR.PF)
      }
  })

  test('where the page above is not there, or may only be read', () => {
    const middle = BORDER - BigInt((frame.from + frame.to) >> 1)
    for (const rsp of [middle, middle - (middle & 7n), BORDER - 8n, BORDER])
      for (const change of [{ missing: [BORDER] }, { readOnly: [BORDER] }])
        sameInAllTiers(programOf(frame, DATA + 0x2800n), { ...change, gpr: { [RSP]: rsp } })
  })
})
