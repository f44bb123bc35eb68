import { expect, test } from 'vitest'
import { LinearMemory } from '../../src/mmu/linear-memory.ts'
import { takeAway } from '../../src/mmu/safepoint.ts'
import { CPU, FRAME } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'

const CODE = 0x400000n
const READ_ONLY = 0x500000n
const WATCHED = 0x600000n
/** mov [rbx], rax; mov [rcx], rax; hlt */
const STORES = Uint8Array.of(0x48, 0x89, 0x03, 0x48, 0x89, 0x01, 0xf4)

/** A machine that notes whether its vCPU counts as in the guest when the hooks of the slow step are called. */
function watchedMachine(): { machine: Machine; noted: string[] } {
  const noted: string[] = []
  const note = (what: string) => noted.push(`${what}: ${machine.vcpu.i32(CPU.IN_GUEST) === 1 ? 'in' : 'out'}`)
  const machine: Machine = new Machine({
    access: {
      mayEmulate: () => {
        note('page was walked')
        return true
      },
      emulate: () => {
        note('emulate')
        return 'done'
      },
      written: () => {
        note('written')
      },
    },
  })
  machine.map({ va: READ_ONLY, writable: false })
  const watched = machine.map({ va: WATCHED })
  machine.views.u8[machine.vcpu.i32(CPU.FRAME_FLAGS) + (watched >>> 12)] = FRAME.LOG_DIRTY
  return { machine, noted }
}

test('a slow step is in the guest while it uses what it found, and out while it may wait for others', () => {
  const { machine, noted } = watchedMachine()
  machine.views.u8.set(STORES, machine.map({ va: CODE }))
  machine.state = { rip: CODE, gpr: [7n, WATCHED, 0n, READ_ONLY] }
  expect(machine.run(10)).toBe('trap')
  expect(noted).toEqual(['page was walked: in', 'emulate: out', 'written: out'])
  expect(machine.vcpu.i32(CPU.IN_GUEST)).toBe(0)
})

test('a copy of TypeScript tells of what it wrote when it is out', () => {
  const { machine } = watchedMachine()
  const { vcpu, runner } = machine
  const states: number[] = []
  const memory = new LinearMemory(
    vcpu,
    runner.walker,
    () => vcpu.i32(CPU.ROOT),
    () => states.push(vcpu.i32(CPU.IN_GUEST)),
  )
  expect(memory.access(WATCHED + 8n, Uint8Array.of(1, 2, 3), true)).toBeUndefined()
  expect(memory.access(READ_ONLY, Uint8Array.of(1), true)).toMatchObject({ vector: 14 })
  expect(states).toEqual([0])
  expect(vcpu.i32(CPU.IN_GUEST)).toBe(0)
})

test('a vCPU whose translations another thread takes away is kept out meanwhile, and may enter after', () => {
  const { machine } = watchedMachine()
  const { vcpu } = machine
  machine.write(machine.map({ va: CODE }), STORES)
  const states: number[] = []
  takeAway(vcpu, (held) => states.push(held.i32(CPU.IN_GUEST)))
  expect(states).toEqual([2])
  machine.state = { rip: CODE, gpr: [7n, WATCHED, 0n, READ_ONLY] }
  expect(machine.run(10)).toBe('trap')
})
