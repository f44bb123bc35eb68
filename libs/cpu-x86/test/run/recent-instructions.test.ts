import { expect, test } from 'vitest'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
/** inc rax; inc rbx */
const [INC_RAX, INC_RBX] = [
  [0x48, 0xff, 0xc0],
  [0x48, 0xff, 0xc3],
]

test('a step does what lies at RIP now, whatever lay there at the step before', () => {
  const machine = new Machine()
  const host = machine.map({ va: CODE })
  const steps = [INC_RAX, INC_RAX, INC_RBX, INC_RBX, INC_RAX, [0xff, 0xc0, 0x90]]
  for (const bytes of steps) {
    machine.write(host, Uint8Array.from(bytes))
    machine.state = { rip: CODE }
    expect(machine.steps(1)).toBe('limit')
  }
  expect(machine.state.gpr.slice(0, 4)).toEqual([4n, 0n, 0n, 2n])
})

test('and where the same frame is mapped elsewhere, what lies there', () => {
  const machine = new Machine()
  const frame = (machine.map({ va: CODE }) - machine.host(0)) / 4096
  machine.map({ va: CODE + 0x5000n, frame })
  // lea rax, [rip + 9]
  machine.write(machine.host(frame), Uint8Array.of(0x48, 0x8d, 0x05, 9, 0, 0, 0))
  for (const rip of [CODE, CODE + 0x5000n]) {
    machine.state = { rip }
    expect(machine.steps(1)).toBe('limit')
    expect(machine.state.gpr[0]).toBe(rip + 16n)
  }
})
