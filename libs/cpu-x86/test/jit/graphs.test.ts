/** Regions of any shape do what their instructions do one by one: programs of blocks that lead to each other as chance has it. */
import { expect, test } from 'vitest'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { Random } from '../programs/random.ts'
import { type GraphProgram, type GraphShape, graphProgram } from './graph-program.ts'

const CODE = 0x400000n
const STACK = 0x600000n
/** What a program of nothing but calls, or returns, needs. */
const STACK_PAGES = 24
const DATA = 0x700000n
const TABLES = DATA + 0x1000n
const READ_ONLY = 0x800000n
const POINTERS = 0x900000n
const POINTER_PAGES = 4
/** Where pointers lead, the last to nothing: faults are a few in a hundred. */
const PLACES = [...Array(30).fill(DATA), READ_ONLY, 0xa00000n]
const TURNS = 4
/** Between looks at the state; a little more than is run step by step to its end. */
const COUNT = 1100

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

function begin(program: GraphProgram, seed: number, regionThreshold: number): Run {
  const random = new Random(seed)
  const machine = new Machine({ regionThreshold })
  const { views } = machine
  const pages = (from: bigint, count: number): number[] => {
    for (let n = 0; n < count; n++) machine.map({ va: from + BigInt(n) * 4096n })
    return Array.from({ length: count }, (_, n) => machine.host(machine.frameOf(from + BigInt(n) * 4096n)))
  }
  const fill = (hosts: readonly number[], word: (n: number) => bigint): void => {
    for (const [page, host] of hosts.entries())
      for (let n = 0; n < 512; n++) views.u64[(host >> 3) + n] = BigInt.asUintN(64, word(page * 512 + n))
  }
  for (const [n, host] of pages(CODE, Math.ceil(program.code.length / 4096)).entries())
    machine.write(host, program.code.subarray(n * 4096, (n + 1) * 4096))
  const block = (): bigint => CODE + BigInt(random.pick(program.blocks))
  fill(pages(STACK, STACK_PAGES), block)
  fill(pages(DATA, 1), () => BigInt(random.bits()))
  const targets = program.tables.flat()
  fill(pages(TABLES, Math.ceil(targets.length / 512)), (n) => CODE + BigInt(targets[n] ?? 0))
  machine.map({ va: READ_ONLY, frame: machine.frameOf(DATA), writable: false })
  fill(
    pages(POINTERS, POINTER_PAGES),
    () => random.pick(PLACES) + BigInt(random.chance(90) ? 8 * random.below(500) : random.below(4096)),
  )
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
  let regions = 0
  for (let seed = 1; seed <= 40; seed++) {
    const program = graphProgram(new Random(seed), shape)
    const [cold, hot] = [0, 2].map((threshold) => begin(program, seed, threshold))
    for (let turn = 0; turn < TURNS; turn++) {
      const faults = [cold, hot].map((run) => go(run, COUNT))
      expect(faults[1], `seed ${seed}, turn ${turn}`).toEqual(faults[0])
      expect(seen(hot), `seed ${seed}, turn ${turn}`).toEqual(seen(cold))
    }
    regions += hot.machine.runner.regions.count
  }
  expect(regions).toBeGreaterThan(40)
})
