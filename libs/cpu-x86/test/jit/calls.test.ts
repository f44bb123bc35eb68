/** Calls and returns within a region do what the stack says, wherever that is. */
import { describe, expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { tiers } from '../run/tiers.ts'
import { Assembler } from './assembler.ts'

const CODE = 0x400000n
const STACK = 0x700000n
const STACK_PAGES = 3
const TURNS = 200
const [LOOP, CALLEE, INNER, ELSEWHERE, BACK] = [0, 1, 2, 3, 4]

interface Calls {
  readonly name: string
  /** In a loop of TURNS, counted by r15. rsi is for what it is worth. */
  readonly body: (code: Assembler) => void
  readonly functions: (code: Assembler) => void
  /** rsi in the end. */
  readonly rsi: number
}

const add = (n: number): number[] => [0x83, 0xc6, n]
const [RET, RET_8] = [[0xc3], [0xc2, 8, 0]]

const programs: readonly Calls[] = [
  {
    name: 'a function that takes its argument from the stack',
    // push 5; call
    body: (code) => code.put(0x6a, 5).call(CALLEE),
    // add esi, [rsp + 8]; ret 8
    functions: (code) => code.label(CALLEE).put(0x03, 0x74, 0x24, 8, ...RET_8),
    rsi: 5 * TURNS,
  },
  {
    name: 'a function that is called by two',
    body: (code) => code.call(CALLEE).call(INNER).call(CALLEE),
    functions: (code) =>
      code
        .label(CALLEE)
        .put(...add(1))
        .call(INNER)
        .put(...RET)
        .label(INNER)
        .put(...add(10), ...RET),
    rsi: 32 * TURNS,
  },
  {
    name: 'a function that returns to the place behind another call in every second round',
    // call; add esi, 1; (back:) add esi, 16
    body: (code) =>
      code
        .call(CALLEE)
        .put(...add(1))
        .label(BACK)
        .put(...add(16)),
    // test r15d, 1; jz to the ret; lea rax, [rip + back]; mov [rsp], rax; ret
    functions: (code) =>
      code
        .label(CALLEE)
        .put(0x41, 0xf7, 0xc7, 1, 0, 0, 0, 0x74, 11)
        .to(BACK, 0x48, 0x8d, 0x05)
        .put(0x48, 0x89, 0x04, 0x24, ...RET),
    rsi: 16 * TURNS + TURNS / 2,
  },
  {
    name: 'a function that leaves by the return of its caller',
    body: (code) => code.call(CALLEE),
    // call inner; (not come back to) add esi, 100; ret; inner: pop rax; add esi, 3; ret
    functions: (code) =>
      code
        .label(CALLEE)
        .call(INNER)
        .put(...add(100), ...RET)
        .label(INNER)
        .put(0x58, ...add(3), ...RET),
    rsi: 3 * TURNS,
  },
  {
    name: 'a call to the next instruction',
    // call next; pop rax; add esi, 2
    body: (code) => code.put(0xe8, 0, 0, 0, 0, 0x58, ...add(2)),
    functions: () => {},
    rsi: 2 * TURNS,
  },
  {
    name: 'a jump by a return',
    // lea rax, [rip + elsewhere]; push rax; ret; (back:)
    body: (code) =>
      code
        .to(ELSEWHERE, 0x48, 0x8d, 0x05)
        .put(0x50, ...RET)
        .label(BACK),
    functions: (code) =>
      code
        .label(ELSEWHERE)
        .put(...add(7))
        .jmp(BACK),
    rsi: 7 * TURNS,
  },
  {
    name: 'functions that call each other, deep',
    // mov ecx, 12; call
    body: (code) => code.put(0xb9, 12, 0, 0, 0).call(CALLEE),
    // callee: dec ecx; js to the ret; add esi, 1; call inner; ret. inner: push rcx; call callee; pop rcx; ret
    functions: (code) =>
      code
        .label(CALLEE)
        .put(0xff, 0xc9, 0x78, 8, ...add(1))
        .call(INNER)
        .put(...RET)
        .label(INNER)
        .put(0x51)
        .call(CALLEE)
        .put(0x59, ...RET),
    rsi: 12 * TURNS,
  },
  {
    name: 'a function on a stack of its own',
    // mov rbx, rsp; lea rsp, [rsp - 0x400]; call; mov rsp, rbx
    body: (code) =>
      code.put(0x48, 0x89, 0xe3, 0x48, 0x8d, 0xa4, 0x24, 0, 0xfc, 0xff, 0xff).call(CALLEE).put(0x48, 0x89, 0xdc),
    functions: (code) => code.label(CALLEE).put(...add(9), ...RET),
    rsi: 9 * TURNS,
  },
]

function machineOf({ body, functions }: Calls, options: object): Machine {
  const machine = new Machine(options)
  const code = new Assembler().label(LOOP)
  body(code)
  // dec r15d; jnz to the start; hlt
  code.put(0x41, 0xff, 0xcf).jcc(5, LOOP).put(0xf4)
  functions(code)
  machine.write(machine.map({ va: CODE }), code.finish())
  for (let n = 0; n < STACK_PAGES; n++) machine.map({ va: STACK + BigInt(n) * 4096n })
  return machine
}

const start = (machine: Machine, rsp: bigint): void => {
  const gpr = new Array<bigint>(16).fill(0n)
  gpr[4] = rsp
  gpr[15] = BigInt(TURNS)
  machine.state = { rip: CODE, gpr }
}

describe.each(tiers)('run $name', ({ options, run }) => {
  describe.each(programs)('$name', (calls) => {
    test.each([
      ['in a page', 0x2800n],
      ['whose return addresses lie at the end of a page', 0x2000n],
      ['at the start of one', 0x2008n],
      ['across two', 0x2004n],
      ['across two, not aligned', 0x2009n],
    ])('with a stack %s', (_, offset) => {
      const machine = machineOf(calls, options)
      start(machine, STACK + offset)
      expect(run(machine, 100_000)).toBe('trap')
      expect([Number(machine.vcpu.gpr(6)), machine.vcpu.gpr(4)]).toEqual([calls.rsi, STACK + offset])
    })

    test('is begun again where its stack was not there', () => {
      const machine = machineOf(calls, options)
      const top = STACK + 0x2000n
      const below = STACK + 0x1000n
      start(machine, top)
      expect(run(machine, 100_000)).toBe('trap')
      const whole = machine.state
      const entry = machine.entry(below) >> 3
      const page = machine.views.u64[entry]
      start(machine, top)
      let faults = 0
      let stop = 'limit'
      for (let turn = 0; stop === 'limit'; turn++) {
        // Gone in some stretches, and put back where it faults.
        if (turn % 3 === 0) machine.views.u64[entry] = 0n
        machine.vcpu.flushPage(below)
        stop = run(machine, 700)
        if (stop !== 'fault') continue
        faults++
        expect(machine.fault.vector).toBe(14)
        expect(machine.vcpu.u64(CPU.ADDRESS) & ~0xfffn).toBe(below)
        machine.views.u64[entry] = page
        stop = 'limit'
      }
      expect(stop).toBe('trap')
      expect(machine.state).toEqual(whole)
      expect(faults).toBeGreaterThan(0)
    })
  })
})
