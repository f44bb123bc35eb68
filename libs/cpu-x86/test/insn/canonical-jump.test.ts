import { describe, expect, it } from 'vitest'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
const STACK = 0x500000n
const RSP = STACK + 0x800n
const WILD = 0x8000_0000_0000_0000n

/** Bytes after which RIP is expected to stand at `at`: the jump itself. */
const JUMPS: readonly {
  readonly name: string
  readonly bytes: readonly number[]
  readonly at: bigint
  readonly rsp: bigint
}[] = [
  { name: 'push rax; ret', bytes: [0x50, 0xc3], at: 1n, rsp: RSP - 8n },
  { name: 'push rax; ret 16', bytes: [0x50, 0xc2, 16, 0], at: 1n, rsp: RSP - 8n },
  { name: 'jmp rax', bytes: [0xff, 0xe0], at: 0n, rsp: RSP },
  { name: 'call rax', bytes: [0xff, 0xd0], at: 0n, rsp: RSP },
]

describe('a jump to an address that is not canonical is #GP(0) at the jump, nothing changed', () => {
  for (const { name, bytes, at, rsp } of JUMPS)
    for (const tier of ['run', 'steps'] as const)
      it(`${name} (${tier})`, () => {
        const machine = new Machine()
        machine.write(machine.map({ va: CODE }), Uint8Array.from(bytes))
        machine.map({ va: STACK })
        const gpr = [WILD, 0n, 0n, 0n, RSP]
        machine.state = { rip: CODE, gpr }
        expect(machine[tier](4)).toBe('fault')
        expect(machine.fault).toEqual({ vector: 13, error: 0 })
        expect(machine.state.rip).toBe(CODE + at)
        expect(machine.state.gpr[4]).toBe(rsp)
      })
})
