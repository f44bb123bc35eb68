/** What tools/profile makes of a run: the names it gives, the symbols it finds, and its tables. */
import type { Profiler } from 'node:inspector'
import { describe, expect, test } from 'vitest'
import { TRAP_KINDS } from '../../libs/cpu-x86/src/builder/builder.ts'
import { EXIT } from '../../libs/cpu-x86/src/cold/record.ts'
import { CPU, JUMPS, REGION } from '../../libs/cpu-x86/src/state/layout.ts'
import { Code } from '../../libs/cpu-x86/src/wasm/code.ts'
import { assemble } from '../../libs/cpu-x86/src/wasm/module.ts'
import { i32 } from '../../libs/cpu-x86/src/wasm/ops.ts'
import { Exits } from '../profile/exits.ts'
import { parseProfileOptions } from '../profile/options.ts'
import { regionPlaces } from '../profile/region-places.ts'
import { reportOf, reportText } from '../profile/report.ts'
import { Symbols } from '../profile/symbols.ts'
import type { ThreadRecord } from '../profile/thread-record.ts'
import { moduleFunctions, withNames } from '../profile/wasm-sections.ts'

const KERNEL = 0xffff_8100_0000

describe('symbols', () => {
  const symbols = new Symbols(
    [
      'paravane: what else a console shows',
      'ffffffff81000100 T second\r',
      'ffffffff81000000 T first',
      'ffffffff81000000 T also_first',
      '0000000000000000 A per_cpu',
      'ffffffff82000000 D far_away',
    ].join('\n'),
  )

  test.each([
    [KERNEL, 'first'],
    [KERNEL + 0xff, 'first+0xff'],
    [KERNEL + 0x100, 'second'],
    [KERNEL - 1, '0xffffffff80ffffff'],
    [KERNEL + 0x80_0000, '0xffffffff81800000'],
    [0x400000, '0x400000'],
  ])('%x', (address, name) => {
    expect(symbols.name(address)).toBe(name)
  })

  test('of a text without any', () => {
    expect(new Symbols('').size).toBe(0)
    expect(new Symbols('').name(KERNEL)).toBe('0xffffffff81000000')
  })
})

test('functions of a module get names, and the module is what it was', () => {
  const body = (n: number, name?: string) => {
    const code = new Code()
    code.return(i32.const(n))
    code.end()
    return { signature: { params: [], results: ['i32'] }, locals: [], code, ...(name && { name }) } as const
  }
  const signature = { params: ['i32'], results: [] } as const
  const bytes = assemble({ imports: [['settle', signature]], functions: [body(7, 'a'), body(8), body(9, 'b')] })
  const { exported, own, size } = moduleFunctions(bytes)
  expect([exported, own]).toEqual([
    [
      ['a', 1],
      ['b', 3],
    ],
    [1, 4],
  ])
  expect([size(0), size(1)]).toEqual([0, 5])
  const module = new WebAssembly.Module(
    withNames(
      bytes,
      [
        [3, 'last'],
        [1, 'first'],
      ],
      ['ours', 'text'],
    ),
  )
  expect(Buffer.from(WebAssembly.Module.customSections(module, 'ours')[0]).toString()).toBe('text')
  expect(WebAssembly.Module.customSections(module, 'name')).toHaveLength(1)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
  const { exports } = new WebAssembly.Instance(module, { e: { m: memory, settle: () => {} } })
  expect([exports.a, exports.b].map((call) => (call as () => number)())).toEqual([7, 9])
})

test('exits are counted by reason and place', () => {
  const i32 = new Int32Array(1024)
  const set = (offset: number, value: number): void => {
    i32[offset >> 2] = value
  }
  const exits = new Exits()
  set(CPU.RIP, 0x8100_0010 | 0)
  set(CPU.RIP + 4, -1)
  set(CPU.VECTOR, 14)
  for (let n = 0; n < 3; n++) exits.count(i32, 0, EXIT.FAULT)
  set(CPU.TRAP, TRAP_KINDS.indexOf('syscall'))
  set(CPU.GPR, 1)
  exits.count(i32, 0, EXIT.TRAP)
  set(CPU.USER, 1)
  exits.count(i32, 0, EXIT.TRAP)
  exits.count(i32, 0, EXIT.LOOKUP)
  const rip = KERNEL + 0x10
  expect(exits.result()).toEqual([
    { kind: 'FAULT', reason: 'vector 14', isUser: false, rip, count: 3 },
    { kind: 'TRAP', reason: 'hypercall mmu_update', isUser: false, rip, count: 1 },
    { kind: 'TRAP', reason: 'syscall', isUser: true, rip, count: 1 },
    { kind: 'LOOKUP', reason: '', isUser: true, rip, count: 1 },
  ])
})

test('regions are where jumps of this generation lead', () => {
  const i32 = new Int32Array((REGION.JUMPS + JUMPS.BYTES) / 4).fill(-1)
  const jump = (n: number, words: readonly number[]): void => i32.set(words, (REGION.JUMPS + n * JUMPS.ENTRY) / 4)
  i32[CPU.JUMPS_KERNEL / 4] = 5
  i32[CPU.JUMPS_USER / 4] = 7
  jump(0, [5, 0xffff_8100 | 0, 40])
  jump(1, [4 | (0x1000 << 16), 0xffff_8100 | 0, 41])
  jump(2, [7 | JUMPS.COMPAT, 0x40, 42])
  const found: number[][] = []
  regionPlaces(i32, 0, (...pair) => found.push(pair))
  expect(found).toEqual([
    [40, KERNEL],
    [42, 0x40_0000],
  ])
})

const node = (id: number, functionName: string, url: string, children: number[] = []): Profiler.ProfileNode => ({
  id,
  callFrame: { functionName, scriptId: '', url, lineNumber: 0, columnNumber: 0 },
  children,
})

const RECORD: ThreadRecord = {
  thread: 'pcpu0',
  ms: 100,
  functions: [{ name: 'region pcpu0.1.0', bytes: 300, isKept: true }],
  installs: [
    { name: 'region pcpu0.1.0', rip: KERNEL + 0x104 },
    { name: 'region pcpu0.1.0', rip: KERNEL + 0x900 },
    { name: 'region pcpu0.1.0', rip: KERNEL + 0x104 },
  ],
  regions: [{ at: 1500, blocks: 3, instructions: 20, ms: 2 }],
  modules: [
    { at: 100, kind: 'cold', functions: 9, bytes: 9000, ms: 90 },
    { at: 1600, kind: 'region', functions: 1, bytes: 500, ms: 4 },
  ],
  instances: { count: 2, ms: 1 },
  exits: [
    { kind: 'MISS', reason: '', isUser: false, rip: KERNEL + 0x101, count: 2 },
    { kind: 'MISS', reason: '', isUser: false, rip: KERNEL + 0x100, count: 5 },
    { kind: 'MISS', reason: '', isUser: true, rip: KERNEL + 0x100, count: 1 },
  ],
  profiles: [
    {
      startTime: 0,
      endTime: 100_000,
      nodes: [
        node(1, '(root)', '', [2, 5, 6, 8]),
        node(2, 'run', 'file:///x/libs/cpu-x86/src/run.ts', [3, 4]),
        node(3, 'region pcpu0.1.0', 'wasm://wasm/1'),
        node(4, 'cold pcpu0.0.run', 'wasm://wasm/2'),
        node(5, 'sleep', 'file:///x/libs/core/src/pcpu/pcpu-state.ts'),
        node(6, 'make', 'file:///x/libs/cpu-x86/src/jit/regions.ts', [7]),
        node(7, 'expr', 'file:///x/libs/cpu-x86/src/wasm/code.ts'),
        node(8, '(garbage collector)', ''),
      ],
      samples: [3, 3, 4, 5, 7, 8],
      timeDeltas: [30_000, 20_000, 10_000, 25_000, 10_000, 5_000],
    },
  ],
}

test("a thread's time, exits and code in a report", () => {
  const report = reportOf(RECORD, new Symbols('ffffffff81000100 T second\nffffffff81000900 T third'), [RECORD])
  expect(report.classes).toEqual([
    { class: 'region', ms: 50 },
    { class: 'idle', ms: 25 },
    { class: 'cold', ms: 10 },
    { class: 'emit', ms: 10 },
    { class: 'gc', ms: 5 },
  ])
  const region = { ms: 50, address: '0xffffffff81000104', symbol: 'second+0x4', places: 2, bytes: 300, isKept: true }
  expect(report.regions).toEqual([region])
  expect(report.symbols).toEqual([{ name: 'second', ms: 50 }])
  expect(report.exits).toEqual([
    {
      kind: 'MISS',
      reason: '',
      mode: 'kernel',
      count: 7,
      sites: [
        ['second', 5],
        ['second+0x1', 2],
      ],
    },
    { kind: 'MISS', reason: '', mode: 'user', count: 1, sites: [['0xffffffff81000100', 1]] },
  ])
  expect(report.compiled).toEqual([
    { second: 1, regions: 1, instructions: 20, emitMs: 2, modules: 1, bytes: 500, moduleMs: 4 },
  ])
  const text = reportText(report, 1)
  expect(text).toContain('50  50.0 %  second\n')
  expect(text).toContain('50  50.0 %    300       2  0xffffffff81000104 second+0x4 (kept)\n')
  expect(text).toContain('7  MISS  kernel  second 5, second+0x1 2')
  expect(text).not.toContain('user')
})

describe('options', () => {
  test('of both commands may be mixed', () => {
    expect(parseProfileOptions(['--guest', 'hello', '--top=5', '--symbols', 'map', 'memory=64'])).toEqual({
      symbols: 'map',
      json: undefined,
      top: 5,
      interval: 1000,
      help: false,
      start: ['--guest', 'hello', 'memory=64'],
    })
  })

  test.each([[['--top', '0']], [['--interval']], [['--json=']]])('%j are refused', (args) => {
    expect(() => parseProfileOptions(args)).toThrow(/^--/)
  })
})
