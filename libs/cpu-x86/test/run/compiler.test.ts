/** Regions that another thread compiles while the vCPU runs on. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/decode/decoder.ts'
import type { CompileRequest, Outcome } from '../../src/jit/compile-request.ts'
import { compiled, headOf } from '../../src/jit/compiled-regions.ts'
import { Compiler } from '../../src/jit/compiler.ts'
import { CompilerThread } from '../../src/jit/compiler-thread.ts'
import { openKept } from '../../src/kept/open-kept.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { setV8Flags } from '../../src/v8-flags.ts'
import { Machine } from '../machine.ts'
import { CODE } from './tiers.ts'

/** add eax, n; nop; dec edx; jnz to the add; hlt */
const adding = (n: number): Uint8Array => Uint8Array.from([0x83, 0xc0, n, 0x90, 0xff, 0xca, 0x75, 0xf8, 0xf4])
const LONG = 0x7fff_ffffn
const THRESHOLD = 20

const asked = (machine: Machine, frameHost: number, id: number, at: number, seen: number): CompileRequest => ({
  kind: 'region',
  id,
  memory: 1,
  base: machine.vcpu.base,
  frameHost,
  rip: CODE + BigInt(at),
  mode: { bits: 64, isUser: false, isApart: false },
  hotThreshold: 1,
  executed: undefined,
  seen,
  onlyKept: false,
})
const kinds = (outcomes: readonly Outcome[]): unknown[] => outcomes.map(({ id, kind }) => [id, kind])

/** Runs it until it has a region. */
const untilRegion = async ({ runner }: Machine, atOnce = 1000): Promise<void> => {
  while (runner.regions.count === 0) {
    expect(runner.run(atOnce)).toBe('limit')
    await sleep(1)
  }
}

describe('a compiling thread', () => {
  let compiler: CompilerThread
  beforeAll(() => {
    compiler = new CompilerThread(DEFAULT_POLICY.config)
  })
  afterAll(() => compiler.terminate())

  const machineOf = (bytes: Uint8Array): { machine: Machine; frame: number } => {
    const machine = new Machine({ regionThreshold: THRESHOLD, regions: { compiler } })
    const frame = machine.map({ va: CODE })
    machine.write(frame, bytes)
    machine.state = { rip: CODE, gpr: [0n, 0n, LONG] }
    return { machine, frame }
  }

  test('makes the region of a loop that runs meanwhile', async () => {
    const { machine } = machineOf(adding(3))
    await untilRegion(machine)
    expect(machine.run(10_000)).toBe('limit')
    const { gpr } = machine.state
    const rounds = LONG - gpr[2]
    const { rip } = machine.state
    // The add may be done and the count not yet.
    expect(gpr[0]).toBe(BigInt.asUintN(32, 3n * (rip > CODE && rip < CODE + 6n ? rounds + 1n : rounds)))
  })

  test('is not asked twice where the code is known', async () => {
    const { machine: first } = machineOf(adding(5))
    await untilRegion(first)
    const { machine: second } = machineOf(adding(5))
    expect(second.run(100_000)).toBe('limit')
    expect(second.runner.regions.count).toBe(1)
  })

  test('makes nothing that is used of code that was changed meanwhile', async () => {
    const { machine, frame } = machineOf(adding(7))
    // Hot now, and asked for; not taken before the next run.
    expect(machine.runner.run(THRESHOLD * 8)).toBe('limit')
    await sleep(300)
    machine.write(frame, adding(9))
    machine.state = { rip: CODE, gpr: [0n, 0n, 1000n] }
    expect(machine.runner.run(100_000)).toBe('trap')
    expect(machine.vcpu.gpr(0)).toBe(9000n)
  })
})

describe('with code that was kept', () => {
  let folder: string
  beforeAll(() => {
    setV8Flags()
    folder = mkdtempSync(join(tmpdir(), 'paravane-kept-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** A machine that runs the code, of which it makes no region by itself. */
  const seldomHot = (bytes: Uint8Array, compiler?: CompilerThread): { machine: Machine; frame: number } => {
    // Not one that wakes from each sleep of this test.
    const regions = { atOnce: true, ...(compiler ? { compiler } : {}) }
    const machine = new Machine({ regionThreshold: 20_000, regions })
    const frame = machine.map({ va: CODE })
    machine.write(frame, bytes)
    machine.state = { rip: CODE, gpr: [0n, 0n, LONG] }
    expect(machine.run(500)).toBe('limit')
    return { machine, frame }
  }

  test('a thread has the region after a few jumps, and keeps none twice', async () => {
    const bytes = adding(21)
    const earlier = new Compiler(decode, openKept(folder, DEFAULT_POLICY.config))
    const first = seldomHot(bytes)
    earlier.take({ kind: 'memory', id: 1, memory: first.machine.shared.memory })
    earlier.take({ ...asked(first.machine, first.frame, 1, 0, 0), hotThreshold: 20_000 })
    expect(kinds(earlier.compile().outcomes)).toEqual([[1, 'region']])
    earlier.take({ kind: 'stop' })
    const files = readdirSync(folder, { recursive: true }).length

    const compiler = new CompilerThread(DEFAULT_POLICY.config, folder)
    const mode = { bits: 64, isUser: false, isApart: false } as const
    while (!compiled.expects(headOf(first.machine.views.u8, first.frame, 0, mode))) {
      await sleep(10)
      compiler.poll()
    }
    const { machine } = seldomHot(bytes, compiler)
    // However long the thread takes, it is not hot by itself for a long time.
    await untilRegion(machine, 8)
    expect(LONG - machine.state.gpr[2]).toBeLessThan(20_000n)
    await compiler.stop()
    expect(compiler.isAlive).toBe(false)
    expect(readdirSync(folder, { recursive: true })).toHaveLength(files)
  })
})

describe('who compiles', () => {
  const setUp = (): { machine: Machine; frame: number; compiler: Compiler } => {
    const machine = new Machine({ regionThreshold: 1000 })
    const frame = machine.map({ va: CODE })
    machine.write(frame, adding(11))
    machine.state = { rip: CODE, gpr: [0n, 0n, 100n] }
    expect(machine.run(10_000)).toBe('trap')
    const compiler = new Compiler(decode, undefined, () => 0)
    compiler.take({ kind: 'memory', id: 1, memory: machine.shared.memory })
    return { machine, frame, compiler }
  }

  test('answers each request: by a region, or that there is none', () => {
    const { machine, frame, compiler } = setUp()
    compiler.take(asked(machine, frame, 1, 0, 0))
    // hlt
    compiler.take(asked(machine, frame, 2, 8, 0))
    const { outcomes, modules } = compiler.compile()
    expect(kinds(outcomes)).toEqual([
      [2, 'none'],
      [1, 'region'],
    ])
    expect(modules.map(({ module }) => module)).toEqual([expect.any(WebAssembly.Module)])
    expect(compiler.waiting).toBe(0)
  })

  test('makes first what is in a hurry', () => {
    const { machine, frame, compiler } = setUp()
    for (const id of [1, 2, 3]) compiler.take(asked(machine, frame, id, 8, 0))
    compiler.take({ kind: 'hurry', id: 3 })
    expect(kinds(compiler.compile().outcomes)).toEqual([
      [3, 'none'],
      [1, 'none'],
      [2, 'none'],
    ])
  })

  test('makes no region of a place in one that the asking vCPU has not seen yet', () => {
    const { machine, frame, compiler } = setUp()
    compiler.take(asked(machine, frame, 1, 0, 0))
    compiler.take(asked(machine, frame, 2, 0, 0))
    const first = compiler.compile()
    expect(kinds(first.outcomes)).toEqual([
      [2, 'covered'],
      [1, 'region'],
    ])
    compiler.take(asked(machine, frame, 3, 0, first.serial))
    expect(kinds(compiler.compile().outcomes)).toEqual([[3, 'region']])
  })

  test('makes none for a domain that is gone', () => {
    const { machine, frame, compiler } = setUp()
    compiler.take(asked(machine, frame, 1, 0, 0))
    compiler.take({ kind: 'forget', id: 1 })
    expect(kinds(compiler.compile().outcomes)).toEqual([[1, 'none']])
  })
})
