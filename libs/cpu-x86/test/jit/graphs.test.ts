/** Regions of any shape do what their instructions do one by one: programs of blocks that lead to each other as chance has it. */
import { expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { Random } from '../programs/random.ts'
import { type GraphProgram, type GraphShape, graphProgram } from './graph-program.ts'

const CODE = 0x400000n
const CODE_PAGES = 6
const STACK = 0x600000n
/** What a program of nothing but calls, or returns, needs. */
const STACK_PAGES = 20
const DATA = 0x700000n
const TABLES = DATA + 0x1000n
const READ_ONLY = 0x800000n
const POINTERS = 0x900000n
const POINTER_PAGES = 4
/** Where pointers lead, the last to nothing: faults are a few in a hundred. */
const PLACES = [...Array(30).fill(DATA), READ_ONLY, 0xa00000n]
const PROGRAMS = 20
const TURNS = 3
/** Between looks at the state; more than is run step by step to its end. */
const COUNT = 1500

const SHAPES: Readonly<Record<string, GraphShape>> = {
  'few blocks': { blocks: 5, bytes: 400, calls: 0, returns: 0, byAddress: 0 },
  'many blocks': { blocks: 24, bytes: 1500, calls: 0, returns: 0, byAddress: 0 },
  'blocks in several pages': { blocks: 30, bytes: 12000, calls: 10, returns: 10, byAddress: 10 },
  'jumps by address': { blocks: 12, bytes: 3000, calls: 0, returns: 0, byAddress: 50 },
  'calls and returns': { blocks: 16, bytes: 6000, calls: 40, returns: 40, byAddress: 0 },
  'accesses that fault': { blocks: 12, bytes: 800, calls: 5, returns: 5, byAddress: 5, touching: 30 },
  'more blocks than a region has': { blocks: 150, bytes: 16000, calls: 5, returns: 5, byAddress: 5 },
}

interface Run {
  readonly machine: Machine
  /** Where faults lead. */
  readonly random: Random
  readonly program: GraphProgram
}

const pages = (from: bigint, count: number): readonly bigint[] =>
  Array.from({ length: count }, (_, n) => from + BigInt(n) * 4096n)

/** For one program after another. */
function machineFor(regionThreshold: number): Machine {
  const machine = new Machine({ regionThreshold })
  for (const [from, count] of [
    [CODE, CODE_PAGES],
    [STACK, STACK_PAGES],
    [DATA, 1],
    [TABLES, 1],
    [POINTERS, POINTER_PAGES],
  ] as const)
    for (const va of pages(from, count)) machine.map({ va })
  machine.map({ va: READ_ONLY, frame: machine.frameOf(DATA), writable: false })
  return machine
}

function begin(machine: Machine, program: GraphProgram, seed: number): Run {
  const random = new Random(seed)
  const fill = (from: bigint, count: number, word: (n: number) => bigint): void => {
    for (const [page, va] of pages(from, count).entries()) {
      const at = machine.host(machine.frameOf(va)) >> 3
      for (let n = 0; n < 512; n++) machine.views.u64[at + n] = BigInt.asUintN(64, word(page * 512 + n))
    }
  }
  for (const [n, va] of pages(CODE, CODE_PAGES).entries()) {
    const code = new Uint8Array(4096)
    code.set(program.code.subarray(n * 4096, (n + 1) * 4096))
    machine.write(machine.host(machine.frameOf(va)), code)
  }
  fill(STACK, STACK_PAGES, () => CODE + BigInt(random.pick(program.blocks)))
  fill(DATA, 1, () => BigInt(random.bits()))
  const targets = program.tables.flat()
  fill(TABLES, 1, (n) => CODE + BigInt(targets[n] ?? 0))
  fill(POINTERS, POINTER_PAGES, () => {
    const place = random.chance(90) ? 8 * random.below(500) : random.below(4096)
    return random.pick(PLACES) + BigInt(place)
  })
  const gpr = Array.from({ length: 16 }, () => BigInt(random.bits()))
  gpr[4] = STACK + BigInt(STACK_PAGES * 2048)
  gpr[5] = DATA + 0x100n
  gpr[11] = TABLES
  gpr[13] = POINTERS
  machine.state = { rip: CODE + BigInt(program.blocks[0]), gpr, rflags: 0x202n }
  return { machine, random, program }
}

/** So many instructions further; faults lead to some block. */
function go({ machine, random, program }: Run, count: number): unknown[] {
  const faults: unknown[] = []
  const end = machine.vcpu.u64(CPU.ICOUNT) + BigInt(count)
  for (;;) {
    const left = Number(end - machine.vcpu.u64(CPU.ICOUNT))
    if (left <= 0 || faults.length > 500 || machine.run(left) !== 'fault') return faults
    faults.push({ ...machine.fault, ...machine.state, count: machine.vcpu.u64(CPU.ICOUNT) })
    machine.vcpu.rip = CODE + BigInt(random.pick(program.blocks))
  }
}

/** All that the guest could see. */
function seen({ machine }: Run): unknown {
  const frames = [...Array(STACK_PAGES).keys()].map((n) => machine.frameOf(STACK + BigInt(n) * 4096n))
  const memory = [...frames, machine.frameOf(DATA)].map((frame) =>
    Buffer.from(machine.views.u8.slice(machine.host(frame), machine.host(frame) + 4096)).toString('latin1'),
  )
  return { ...machine.state, count: machine.vcpu.u64(CPU.ICOUNT), memory }
}

test.each(Object.entries(SHAPES))('%s: all is as it is in the cold tier', (_, shape) => {
  const machines = [0, 2].map(machineFor)
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const program = graphProgram(new Random(seed), shape)
    const [cold, hot] = machines.map((machine) => begin(machine, program, seed))
    for (let turn = 0; turn < TURNS; turn++) {
      const faults = [cold, hot].map((run) => go(run, COUNT))
      expect(faults[1], `seed ${seed}, turn ${turn}`).toEqual(faults[0])
      expect(seen(hot), `seed ${seed}, turn ${turn}`).toEqual(seen(cold))
    }
  }
  expect(machines[1].runner.regions.count).toBeGreaterThanOrEqual(PROGRAMS)
})
