/** A loop in one page that calls a function in another. */
import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Machine, type MachineOptions } from '../machine.ts'
import { CODE, tiers } from './tiers.ts'

const FUNCTION = CODE + 0x1000n
const STACK = 0x500000n
const TURNS = 300

/** call FUNCTION; inc esi; dec edx; jnz to the call; hlt */
const CALLER = [0xe8, 0xfb, 0x0f, 0, 0, 0xff, 0xc6, 0xff, 0xca, 0x75, 0xf5, 0xf4]
const INC_ESI = 2
/** add eax, n; ret */
const adding = (n: number): number[] => [0x83, 0xc0, n, 0xc3]
/** call the function 16 bytes on; ret */
const CALLING = [0xe8, 11, 0, 0, 0, 0xc3]

interface Program {
  readonly machine: Machine
  /** Host address of the function's page. */
  readonly called: number
}

function program(options: MachineOptions, code: readonly number[], behind: readonly number[] = []): Program {
  const machine = new Machine(options)
  machine.write(machine.map({ va: CODE }), Uint8Array.from(CALLER))
  const called = machine.map({ va: FUNCTION })
  machine.write(called, Uint8Array.from(code))
  machine.write(called + 16, Uint8Array.from(behind))
  machine.map({ va: STACK })
  return { machine, called }
}

const start = (turns: number) => ({ rip: CODE, gpr: [0n, 0n, BigInt(turns), 0n, STACK + 0x800n, 0n, 0n] })

describe.each(tiers)('a function in another page, run $name', ({ options, run }) => {
  /** eax, esi and rsp in the end. */
  const result = (machine: Machine): unknown[] => {
    machine.state = start(TURNS)
    expect(run(machine, 1_000_000)).toBe('trap')
    const { vcpu } = machine
    return [Number(vcpu.gpr(0)), Number(vcpu.gpr(6)), vcpu.gpr(4)]
  }

  test('is called and returns', () => {
    expect(result(program(options, adding(1)).machine)).toEqual([TURNS, TURNS, STACK + 0x800n])
  })

  test('calls another and returns', () => {
    expect(result(program(options, CALLING, adding(1)).machine)).toEqual([TURNS, TURNS, STACK + 0x800n])
  })

  test('returns where the stack says, and not behind the call', () => {
    // add qword [rsp], 2; add eax, 1; ret
    const { machine } = program(options, [0x48, 0x83, 0x04, 0x24, INC_ESI, ...adding(1)])
    expect(result(machine)).toEqual([TURNS, 0, STACK + 0x800n])
  })

  test('returns where the stack says from some of its calls', () => {
    // mov ecx, edx; and ecx, 1; add ecx, ecx; add [rsp], rcx; add eax, 1; ret
    const { machine } = program(options, [0x89, 0xd1, 0x83, 0xe1, 1, 0x01, 0xc9, 0x48, 0x01, 0x0c, 0x24, ...adding(1)])
    expect(result(machine)).toEqual([TURNS, TURNS / 2, STACK + 0x800n])
  })

  test('calls itself', () => {
    // mov ecx, 3; call the next; ret. It: test ecx, ecx; jz to the ret; dec ecx; add eax, 1; call itself; ret
    const first = [0xb9, 3, 0, 0, 0, 0xe8, 6, 0, 0, 0, 0xc3]
    const itself = [0x85, 0xc9, 0x74, 10, 0xff, 0xc9, 0x83, 0xc0, 1, 0xe8, 0xf2, 0xff, 0xff, 0xff, 0xc3]
    const { machine } = program(options, first, itself)
    expect(result(machine)).toEqual([3 * TURNS, TURNS, STACK + 0x800n])
  })

  test('is another when another frame is mapped there', () => {
    const { machine } = program(options, adding(1))
    expect(result(machine)[0]).toBe(TURNS)
    const first = machine.map({ va: FUNCTION })
    machine.write(first, Uint8Array.from(adding(5)))
    expect(result(machine)[0]).toBe(5 * TURNS)
  })

  test('is another when it was written', () => {
    const { machine, called } = program(options, adding(1))
    for (const n of [1, 7, 1, 9]) {
      machine.write(called, Uint8Array.from(adding(n)))
      expect(result(machine)[0]).toBe(n * TURNS)
    }
  })

  test('faults when it may not be executed any more', () => {
    const { machine, called } = program(options, adding(1))
    expect(result(machine)[0]).toBe(TURNS)
    machine.map({ va: FUNCTION, frame: (called - machine.host(0)) >> 12, executable: false })
    machine.state = start(TURNS)
    expect(run(machine, 1_000_000)).toBe('fault')
    const { vcpu } = machine
    expect([machine.fault.vector, vcpu.u64(CPU.ADDRESS), vcpu.rip]).toEqual([14, FUNCTION, FUNCTION])
    expect([vcpu.gpr(0), vcpu.gpr(4)]).toEqual([0n, STACK + 0x7f8n])
  })
})

test('threads that take turns with a vCPU make the regions of a function in another page once each', () => {
  const { machine } = program({ regionThreshold: 3 }, CALLING, adding(1))
  const machines = [machine, ...[1, 2].map(() => new Machine({ regionThreshold: 3, shared: machine.shared }))]
  machine.state = start(TURNS * 20)
  let stop = 'limit'
  for (let turn = 0; stop === 'limit'; turn++) stop = machines[turn % 3].runner.run(50 + (turn % 5) * 30)
  expect([stop, machine.vcpu.gpr(0)]).toEqual(['trap', BigInt(TURNS * 20)])
  for (const { runner } of machines) {
    expect(runner.regions.count).toBeGreaterThan(0)
    expect(runner.regions.count).toBeLessThan(10)
  }
})
