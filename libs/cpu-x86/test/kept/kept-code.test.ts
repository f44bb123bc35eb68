import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decode } from '../../src/decode/decoder.ts'
import type { CompileAnswer, CompileRequest } from '../../src/jit/compile-request.ts'
import { Compiler } from '../../src/jit/compiler.ts'
import { KeptCode } from '../../src/kept/kept-code.ts'
import { filesIn } from '../../src/kept/kept-folder.ts'
import { codeOf, withCode } from '../../src/kept/v8-code.ts'
import { setV8Flags } from '../../src/v8-flags.ts'
import { Machine } from '../machine.ts'
import { CODE } from '../run/tiers.ts'

/** add eax, n; nop; dec edx; jnz to the add; hlt */
const adding = (n: number): Uint8Array => Uint8Array.from([0x83, 0xc0, n, 0x90, 0xff, 0xca, 0x75, 0xf8, 0xf4])

let folder: string
beforeAll(() => setV8Flags())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paravane-kept-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A compiling thread's part of a process that begins with what the folder has. */
function begin(name: string, bytes: Uint8Array, mostBytes?: number) {
  const machine = new Machine({ regionThreshold: 1000 })
  const frameHost = machine.map({ va: CODE })
  machine.write(frameHost, bytes)
  machine.state = { rip: CODE, gpr: [0n, 0n, 100n] }
  expect(machine.run(10_000)).toBe('trap')
  const kept = new KeptCode({ folder, name: `${name}.regions`, ...(mostBytes === undefined ? {} : { mostBytes }) })
  const compiler = new Compiler(decode, kept, () => 0)
  compiler.take({ kind: 'memory', id: 1, memory: machine.shared.memory })
  const request: CompileRequest = {
    kind: 'region',
    id: 1,
    memory: 1,
    base: machine.vcpu.base,
    frameHost,
    rip: CODE,
    mode: { bits: 64, isUser: false, isApart: false },
    hotThreshold: 1,
    executed: undefined,
    seen: 0,
    onlyKept: false,
  }
  const ask = (more: Partial<CompileRequest> = {}): CompileAnswer => {
    compiler.take({ ...request, ...more })
    return compiler.compile()
  }
  return { ask, kept, stop: () => compiler.take({ kind: 'stop' }) }
}

const kindsOf = ({ outcomes }: CompileAnswer): string[] => outcomes.map(({ kind }) => kind)

describe('a later process', () => {
  test('has what an earlier one made', () => {
    const first = begin('first', adding(1))
    expect(kindsOf(first.ask({ onlyKept: true }))).toEqual(['not kept'])
    const made = first.ask()
    expect(kindsOf(made)).toEqual(['region'])
    first.stop()
    const second = begin('second', adding(1))
    expect(second.kept.heads.length).toBeGreaterThan(0)
    const found = second.ask({ onlyKept: true })
    expect(kindsOf(found)).toEqual(['region'])
    expect(found.modules[0].regions).toEqual(made.modules[0].regions)
    expect(found.modules[0].module).toBeInstanceOf(WebAssembly.Module)
  })

  test('has none of other code that begins alike', () => {
    const long = (last: number) => Uint8Array.from([...new Array<number>(20).fill(0x90), ...adding(last)])
    const first = begin('first', long(1))
    expect(kindsOf(first.ask())).toEqual(['region'])
    first.stop()
    const second = begin('second', long(2))
    expect(kindsOf(second.ask({ onlyKept: true }))).toEqual(['not kept'])
    expect(kindsOf(second.ask())).toEqual(['region'])
  })

  test('gives a region again that the vCPU has forgotten', () => {
    const first = begin('first', adding(1))
    first.ask()
    const second = begin('second', adding(1))
    expect(second.ask().modules).toHaveLength(1)
    expect(second.ask().modules).toHaveLength(1)
  })

  test('makes anew what is damaged', () => {
    begin('first', adding(1)).ask()
    const [path] = filesIn(folder)
    const bytes = readFileSync(path)
    bytes[bytes.length - 1] ^= 1
    writeFileSync(path, bytes)
    const second = begin('second', adding(1))
    expect(kindsOf(second.ask({ onlyKept: true }))).toEqual(['not kept'])
    expect(kindsOf(second.ask())).toEqual(['region'])
  })
})

test('no more is written than there is room for', () => {
  const first = begin('first', adding(1), 10)
  expect(kindsOf(first.ask())).toEqual(['region'])
  first.stop()
  expect(begin('second', adding(1)).kept.heads).toHaveLength(0)
})

test('a process goes on where nothing can be written', () => {
  const first = begin('first', adding(1))
  rmSync(folder, { recursive: true })
  expect(kindsOf(first.ask())).toEqual(['region'])
  first.stop()
})

describe('machine code', () => {
  /** (i32) -> twice that, as 'f'. */
  const wire = (): Uint8Array<ArrayBuffer> =>
    Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0],
      ...[10, 9, 1, 7, 0, 0x20, 0, 0x41, 2, 0x6c, 0x0b],
    ])
  const functionOf = (module: WebAssembly.Module): ((x: number) => number) =>
    new WebAssembly.Instance(module).exports.f as (x: number) => number
  const optimized = async (): Promise<Uint8Array<ArrayBuffer>> => {
    const module = new WebAssembly.Module(wire())
    const f = functionOf(module)
    for (;;) {
      for (let n = 0; n < 100_000; n++) f(n)
      const code = codeOf(module)
      if (code) return code
      await new Promise(setImmediate)
    }
  }

  test('is none before the optimizing compiler has made some', () => {
    // Unlike all other modules of this process.
    const module = new WebAssembly.Module(Uint8Array.from([...wire(), 0, 2, 1, 0x78]))
    expect(codeOf(module)).toBeUndefined()
  })

  test('makes the module again', async () => {
    const module = withCode(wire(), await optimized())
    expect(module && functionOf(module)(21)).toBe(42)
  })

  test('is good for the flags that core sets later, when a domain is gone', async () => {
    const before = await optimized()
    setFlagsFromString('--expose-gc')
    // The magic number, and the hashes of V8's version, the processor's features and the flags.
    expect((await optimized()).slice(0, 16)).toEqual(before.slice(0, 16))
  })

  test('of another V8 is refused', async () => {
    const code = await optimized()
    // The hash of V8's version, behind its magic number.
    code[4] ^= 1
    expect(withCode(wire(), code)).toBeUndefined()
  })
})
