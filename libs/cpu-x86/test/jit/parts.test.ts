/** What was written to a part of a register is read, however control got there and whatever was written in between. */
import { expect, test } from 'vitest'
import { Machine } from '../machine.ts'
import { tiers } from '../run/tiers.ts'
import { Assembler } from './assembler.ts'

const CODE = 0x400000n
const DATA = 0x600000n
const TURNS = 200
const LOOP = 0

interface Parts {
  readonly name: string
  /** In a loop of TURNS, counted down by r15; rbx leads to bytes of 7 and 9. */
  readonly body: readonly number[]
  /** r14 in the end. */
  readonly r14: number
}

const MOVZX_EAX_AL = [0x0f, 0xb6, 0xc0]
const MOVZX_ECX_AX = [0x0f, 0xb7, 0xc8]
/** add r14d, eax and ecx */
const [ADD_EAX, ADD_ECX] = [
  [0x41, 0x01, 0xc6],
  [0x41, 0x01, 0xce],
]

const programs: readonly Parts[] = [
  {
    name: 'by a repeated instruction of two rounds or none',
    // mov al, 5; mov ecx, r15d; and ecx, 2; mov rsi, rbx; rep lodsb
    body: [...[0xb0, 5, 0x44, 0x89, 0xf9, 0x83, 0xe1, 2, 0x48, 0x89, 0xde, 0xf3, 0xac], ...MOVZX_EAX_AL, ...ADD_EAX],
    r14: (TURNS / 2) * 9 + (TURNS / 2) * 5,
  },
  {
    name: 'on one of two ways',
    // mov al, 1; test r15b, 1; jz over mov al, 3
    body: [0xb0, 1, 0x41, 0xf6, 0xc7, 1, 0x74, 2, 0xb0, 3, ...MOVZX_EAX_AL, ...ADD_EAX],
    r14: (TURNS / 2) * 3 + TURNS / 2,
  },
  {
    name: 'by a comparison that may exchange it',
    // mov al, 1; mov cl, r15b; and cl, 1; mov dl, 9; cmpxchg cl, dl; movzx ecx, cl
    body: [
      ...[0xb0, 1, 0x44, 0x88, 0xf9, 0x80, 0xe1, 1, 0xb2, 9, 0x0f, 0xb0, 0xd1, 0x0f, 0xb6, 0xc9],
      ...MOVZX_EAX_AL,
      ...[...ADD_EAX, ...ADD_ECX],
    ],
    r14: (TURNS / 2) * 10,
  },
  {
    name: 'beside the byte above it',
    // mov al, 5; mov ah, 7
    body: [0xb0, 5, 0xb4, 7, ...MOVZX_ECX_AX, ...ADD_ECX, ...MOVZX_EAX_AL, ...ADD_EAX],
    r14: TURNS * (0x705 + 5),
  },
  {
    name: 'of two bytes, of which one is changed',
    // mov ax, 0x102; mov al, 5
    body: [0x66, 0xb8, 2, 1, 0xb0, 5, ...MOVZX_ECX_AX, ...ADD_ECX],
    r14: TURNS * 0x105,
  },
  {
    name: 'before all of it is changed',
    // mov al, 5; lea eax, [r15]
    body: [0xb0, 5, 0x41, 0x8d, 0x07, ...MOVZX_EAX_AL, ...ADD_EAX],
    r14: (TURNS * (TURNS + 1)) / 2,
  },
  {
    name: 'of two registers, exchanged',
    // mov al, 1; mov cl, 2; xchg al, cl
    body: [0xb0, 1, 0xb1, 2, 0x86, 0xc8, ...MOVZX_EAX_AL, ...ADD_EAX],
    r14: TURNS * 2,
  },
]

test.each(tiers.flatMap((tier) => programs.map((parts) => ({ tier, parts }))))(
  '$parts.name, run $tier.name',
  ({ tier: { options, run }, parts: { body, r14 } }) => {
    const machine = new Machine(options)
    const code = new Assembler().label(LOOP).put(...body)
    // dec r15d; jnz to the start; hlt
    code.put(0x41, 0xff, 0xcf).jcc(5, LOOP).put(0xf4)
    machine.write(machine.map({ va: CODE }), code.finish())
    machine.write(machine.map({ va: DATA }), Uint8Array.of(7, 9))
    const gpr = new Array<bigint>(16).fill(0n)
    gpr[3] = DATA
    gpr[15] = BigInt(TURNS)
    machine.state = { rip: CODE, gpr }
    expect(run(machine, 100_000)).toBe('trap')
    expect(Number(machine.vcpu.gpr(14))).toBe(r14)
  },
)
