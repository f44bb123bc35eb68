/** Regions have places in each thread's function table, which are given away again when there are no more. */
import { expect, test } from 'vitest'
import { decode } from '../../src/decode/decoder.ts'
import { CompiledRegions } from '../../src/jit/compiled-regions.ts'
import { compileRegions, type MadeRegion, makeRegion } from '../../src/jit/make-region.ts'
import { CPU } from '../../src/state/layout.ts'
import { Machine } from '../machine.ts'
import { CODE } from './tiers.ts'

const PAGES = 12
const ROUNDS = 40
const MOST = 5

/** Page n, from offset 0: four adds of n, ten times; then on to the next page, and from the last to the first or hlt. */
function page(n: number): Uint8Array {
  const loop = [0xb9, 10, 0, 0, 0, ...new Array(4).fill([0x83, 0xc0, n]).flat(), 0xff, 0xc9, 0x75, 0xf0]
  const next = relative(loop.length + 5, 4096)
  const last = [0xff, 0xca, 0x0f, 0x85, ...relative(loop.length + 8, -(PAGES - 1) * 4096), 0xf4]
  return Uint8Array.from(n === PAGES - 1 ? [...loop, ...last] : [...loop, 0xe9, ...next])
}

function relative(from: number, to: number): number[] {
  return [...new Uint8Array(Int32Array.of(to - from).buffer)]
}

test('a vCPU that goes from thread to thread runs its own regions only, however often places are given away', () => {
  const options = { regionThreshold: 3, regions: { most: MOST, atOnce: true } }
  const first = new Machine(options)
  const machines = [
    first,
    new Machine({ ...options, shared: first.shared }),
    new Machine({ ...options, shared: first.shared }),
  ]
  for (let n = 0; n < PAGES; n++) first.write(first.map({ va: CODE + BigInt(n) * 4096n }), page(n))
  first.state = { rip: CODE, gpr: [0n, 0n, BigInt(ROUNDS)] }
  let stop = 'limit'
  for (let turn = 0; stop === 'limit'; turn++) stop = machines[turn % 3].runner.run(400 + (turn % 7) * 90)
  expect(stop).toBe('trap')
  expect(first.vcpu.gpr(0)).toBe(BigInt(ROUNDS * 40 * ((PAGES * (PAGES - 1)) / 2)))
  expect(first.vcpu.i32(CPU.CODE_EPOCH)).toBeGreaterThan(10)
  for (const { runner } of machines) expect(runner.regions.count).toBeGreaterThan(MOST)
})

test('regions that were not used for longest are forgotten', () => {
  const mode = { bits: 64, isUser: false, isApart: false } as const
  const regions = new CompiledRegions(2)
  const [first, second, third] = Array.from({ length: 3 }, (_, n) => {
    const bytes = (delta: number) => (delta === 0 ? page(n) : undefined)
    return {
      find: () => regions.find(5, mode, bytes),
      add: () => {
        const made = makeRegion(
          { decode, page: bytes, isReached: () => true, isTranslated: () => true, targets: () => [] },
          5,
          mode,
        ) as MadeRegion
        regions.add({ ...made.facts, compiled: { module: compileRegions([made.body]).module, name: '0' } })
      },
    }
  })
  first.add()
  second.add()
  const known = first.find()
  expect(known?.region.compiled.module).toBeInstanceOf(WebAssembly.Module)
  third.add()
  expect(regions.size).toBe(2)
  expect(first.find()?.region).toBe(known?.region)
  expect(second.find()).toBeUndefined()
  expect(third.find()).toBeDefined()
})

test('a region is made once, however often it is entered', () => {
  const machine = new Machine({ regionThreshold: 3 })
  // call over the loop's function; dec edx; jnz; hlt. The function: inc eax four times; ret.
  const code = [0xe8, 5, 0, 0, 0, 0xff, 0xca, 0x75, 0xf7, 0xf4, ...new Array(4).fill([0xff, 0xc0]).flat(), 0xc3]
  machine.write(machine.map({ va: CODE }), Uint8Array.from(code))
  machine.map({ va: 0x500000n })
  machine.state = { rip: CODE, gpr: [0n, 0n, 20_000n, 0n, 0x500800n] }
  expect(machine.run(1_000_000)).toBe('trap')
  expect(machine.vcpu.gpr(0)).toBe(80_000n)
  const { count } = machine.runner.regions
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThan(5)
})

test('a region that another thread made is dropped when code changes that only this thread took into it', () => {
  const first = new Machine({ regionThreshold: 3 })
  const second = new Machine({ regionThreshold: 3, shared: first.shared })
  const page = first.map({ va: CODE })
  // dec edx; jz to 0x80; jmp to the dec. At 0x80, which no run reaches before the last: nops up to 0xc0, where hlt is.
  const code = new Uint8Array(0xc1).fill(0x90)
  code.set([0xff, 0xca, 0x74, 0x7c, 0xeb, 0xfa])
  code[0xc0] = 0xf4
  first.write(page, code)
  first.state = { rip: CODE, gpr: [0n, 0n, 1000n] }
  expect(first.runner.run(300)).toBe('limit')
  expect(first.runner.regions.count).toBeGreaterThan(0)
  /** mov eax, n; hlt */
  const writeAtEnd = (n: number) => first.write(page + 0xc0, Uint8Array.of(0xb8, n, 0, 0, 0, 0xf4))
  writeAtEnd(5)
  expect(second.runner.run(300)).toBe('limit')
  expect(second.runner.regions.count).toBeGreaterThan(0)
  writeAtEnd(9)
  expect(second.runner.run(10_000)).toBe('trap')
  expect(first.vcpu.gpr(0)).toBe(9n)
})

test('a region that took the place of another is what each thread runs from then on', () => {
  const first = new Machine({ regionThreshold: 3 })
  const second = new Machine({ regionThreshold: 3, shared: first.shared })
  const frame = first.map({ va: CODE })
  // dec edx; jnz to the dec; hlt
  first.write(frame, Uint8Array.of(0xff, 0xca, 0x75, 0xfc, 0xf4))
  first.state = { rip: CODE, gpr: [0n, 0n, 3000n] }
  expect(first.runner.run(1000)).toBe('limit')
  expect(first.runner.regions.count).toBe(1)
  const rec = first.runner.cache.known(frame, 0)
  first.runner.regions.again(rec, frame)
  expect(first.runner.regions.count).toBe(2)
  const exits = { left: 100 }
  expect(second.runner.run(10_000, false, exits)).toBe('trap')
  expect(exits.left).toBeGreaterThan(0)
})
