/** Which accesses of a region share a look for their page, and which have their own. */
import { describe, expect, test } from 'vitest'
import { decode } from '../../src/decode/decoder.ts'
import { whatBlocksBeginWith } from '../../src/jit/effects.ts'
import { regionCode } from '../../src/jit/region-code.ts'
import { RegionGraph } from '../../src/jit/region-graph.ts'
import { Assembler } from '../jit/assembler.ts'
import {
  add,
  addNumber,
  addTo,
  load,
  memory,
  move,
  R12,
  R14,
  RAX,
  RBP,
  RBX,
  RCX,
  RDX,
  RSI,
  RSP,
  store,
} from './code.ts'

const LOOP = 0
const [ELSE, JOIN] = [1, 2]

type Code = readonly (readonly number[])[]

/** Bytes of one look from its first access on, what it is for, and the instructions whose accesses share it. */
interface Look {
  readonly from: number
  readonly to: number
  readonly write: boolean
  readonly shared: readonly string[]
}

/** Instructions are named by their offsets; `n:m` is the m-th access, from the first one that `offset` is counted from. */
function looksOf(code: Assembler, isApart: boolean = false): Look[] {
  const page = new Uint8Array(4096).fill(0xf4)
  page.set(code.finish())
  const source = {
    decode,
    page: (delta: number) => (delta === 0 ? page : undefined),
    isReached: () => true,
    isTranslated: () => true,
    targets: () => [],
  }
  const region = regionCode(source, 0, { bits: 64, isUser: false, isApart })
  if (!region) throw new TypeError('no region begins there')
  const looks = new Map<object, { from: number; to: number; write: boolean; shared: string[] }>()
  for (const { reached } of whatBlocksBeginWith(region, new RegionGraph(region)).memory)
    for (const [key, { reach, offset, leads }] of reached) {
      const { from, to, write } = reach
      const look = looks.get(reach) ?? { from, to, write, shared: [] }
      looks.set(reach, look)
      expect(leads).toBe(look.shared.length === 0)
      look.shared.push(`${key >> 4}${(key & 15) > 0 ? `:${key & 15}` : ''} ${offset < 0 ? '' : '+'}${offset}`)
    }
  return [...looks.values()]
}

/** Of straight code, with its instructions by their numbers. */
function looksIn(code: Code): Look[] {
  const offsets = code.map((_, n) => code.slice(0, n).reduce((sum, { length }) => sum + length, 0))
  const number = (place: string): string => place.replace(/^\d+/, (offset) => String(offsets.indexOf(Number(offset))))
  return looksOf(new Assembler().put(...code.flat())).map((look) => ({ ...look, shared: look.shared.map(number) }))
}

describe('one look is for', () => {
  test('loads by the same register, from the lowest to the highest byte', () => {
    expect(looksIn([load(RAX, RBX, 16), load(RCX, RBX, 8, 4), load(RDX, RBX, 21, 2)])).toEqual([
      { from: -8, to: 8, write: false, shared: ['0 +0', '1 -8', '2 +5'] },
    ])
  })

  test('stores, and loads behind them', () => {
    expect(looksIn([store(RAX, RBX, 0), load(RCX, RBX, 8), add(RCX, RBX, 24, 4)])).toEqual([
      { from: 0, to: 28, write: true, shared: ['0 +0', '1 +8', '2 +24'] },
    ])
  })

  test('loads, and another for stores behind them', () => {
    const code = [load(RAX, RBX, 0), store(RAX, RBX, 8), add(RCX, RBX, 16), addTo(RAX, RBX, 24)]
    const [loads, stores, ...more] = looksIn(code)
    expect(more).toEqual([])
    expect([loads.write, stores.write]).toEqual([false, true])
    expect([...loads.shared, ...stores.shared].map((place) => place[0]).sort()).toEqual(['0', '1', '2', '3'])
    expect(stores.shared.map((place) => place[0])).toEqual(expect.arrayContaining(['1', '3']))
  })

  test('256 bytes at most', () => {
    expect(looksIn([load(RAX, RBX, 0), load(RAX, RBX, 248)])).toHaveLength(1)
    expect(looksIn([load(RCX, RBX, 0), load(RAX, RBX, 249)])).toHaveLength(0)
    expect(looksIn([load(RCX, RBX, 0), load(RCX, RBX, -248)])).toHaveLength(1)
    expect(looksIn([load(RCX, RBX, 0), load(RCX, RBX, -249)])).toHaveLength(0)
    expect(looksIn([load(RCX, RBX, 0, 1), load(RCX, RBX, 255, 1), load(RCX, RBX, -1, 1)])).toEqual([
      { from: 0, to: 256, write: false, shared: ['0 +0', '1 +255'] },
    ])
  })

  test('a frame, as rsp is moved by constants', () => {
    // push rax; push rcx; sub rsp, 16; mov [rsp + 8], rax; add rsp, 16; pop rcx; pop rax
    const code = [[0x50], [0x51], addNumber(RSP, -16), store(RAX, RSP, 8), addNumber(RSP, 16), [0x59], [0x58]]
    expect(looksIn(code)).toEqual([
      { from: -16, to: 8, write: true, shared: ['0 +0', '1 -8', '3 -16', '5 -8', '6 +0'] },
    ])
  })

  test('a register and what is a constant from it', () => {
    // push rbp; mov rbp, rsp; mov [rbp - 8], rax; lea rsi, [rbp + 16]; mov rax, [rsi]
    const code = [[0x55], move(RBP, RSP), store(RAX, RBP, -8), memory([0x8d], RSI, RBP, 16), load(RAX, RSI, 0)]
    expect(looksIn(code)).toEqual([{ from: -8, to: 24, write: true, shared: ['0 +0', '2 -8', '4 +16'] }])
  })

  test('a base with an index, whichever is which', () => {
    const [by, turned] = [{ index: RCX }, { index: RBX }]
    expect(looksIn([memory([0x8b], RAX, RBX, 0, by), memory([0x8b], RDX, RCX, 8, turned)])).toHaveLength(1)
    expect(looksIn([memory([0x8b], RAX, RBX, 0, by), memory([0x8b], RDX, RBX, 8, { index: RCX, scale: 1 })])).toEqual(
      [],
    )
    expect(looksIn([memory([0x8b], RAX, RBX, 0, by), load(RDX, RBX, 8)])).toEqual([])
  })

  test('nothing where a register is changed by what is not known', () => {
    // add rbx, rcx; mov ebx, ebx; inc bl; xor rbx, rax; mov rbx, [rbx]
    for (const change of [[0x48, 0x01, 0xcb], [0x89, 0xdb], [0xfe, 0xc3], [0x48, 0x31, 0xc3], load(RBX, RSI, 0)])
      expect(looksIn([load(RAX, RBX, 0), change, load(RAX, RBX, 8)])).toEqual([])
  })

  test('each of two segments, and neither', () => {
    const code = [load(RAX, RBX, 0), [0x64, ...load(RAX, RBX, 8)], [0x65, ...load(RAX, RBX, 16)]]
    expect(looksIn(code)).toEqual([])
    expect(looksIn([...code, [0x65, ...load(RAX, RBX, 24)]])).toEqual([
      { from: 0, to: 8 + 8, write: false, shared: ['2 +0', '3 +8'] },
    ])
  })

  test('what is in the same page as the code, if it is relative to that', () => {
    const at = (place: number) => [0x48, 0x8b, 0x05, ...new Uint8Array(Int32Array.of(place).buffer)]
    expect(looksIn([at(0x100), at(0x140)])).toHaveLength(1)
    // The second ends with the page, and a byte behind it.
    expect(looksIn([at(0xf80), at(0xff8 - 14)])).toHaveLength(1)
    expect(looksIn([at(0xf80), at(0xff9 - 14)])).toHaveLength(0)
    expect(looksIn([at(0xff0), at(0x1000)])).toHaveLength(0)
  })

  test('nothing in a region made apart', () => {
    const code = () => new Assembler().put(...load(RAX, RBX, 0), ...load(RAX, RBX, 8))
    expect(looksOf(code())).toHaveLength(1)
    expect(looksOf(code(), true)).toEqual([])
  })
})

describe('a look holds', () => {
  const places = (look: Look): number[] => look.shared.map((place) => Number.parseInt(place, 10))

  test('in blocks that only one way leads to, and not where two meet', () => {
    const code = new Assembler().put(...load(RAX, RBX, 0)).jcc(4, ELSE)
    const then = code.offset
    code
      .put(...load(RAX, RBX, 8))
      .jmp(JOIN)
      .label(ELSE)
    const otherwise = code.offset
    code
      .put(...load(RAX, RBX, -8))
      .label(JOIN)
      .put(...load(RAX, RBX, 16))
    const [look, ...more] = looksOf(code)
    expect(more).toEqual([])
    expect([look.from, look.to]).toEqual([-8, 16])
    expect(places(look).sort((a, b) => a - b)).toEqual([0, then, otherwise])
  })

  test('not from before a loop into it, but behind it', () => {
    const code = new Assembler().put(...load(RAX, RBX, 0), ...load(RAX, RBX, 8)).label(ELSE)
    const inside = code.offset
    code.put(...load(RAX, RBX, 16)).jcc(5, ELSE)
    const behind = code.offset
    code.put(...load(RAX, RBX, 24))
    const [before, from] = looksOf(code)
    expect([places(before), places(from)]).toEqual([
      [0, 8],
      [inside, behind],
    ])
  })

  test('for one turn of a loop', () => {
    // mov rax, [rbx]; add rbx, 8; mov rax, [rbx]; jnz to the start
    const code = new Assembler().label(LOOP).put(...load(RAX, RBX, 0), ...addNumber(RBX, 8), ...load(RAX, RBX, 0))
    expect(looksOf(code.jcc(5, LOOP))).toEqual([{ from: 0, to: 16, write: false, shared: ['0 +0', '15 +8'] }])
  })

  test('not where what is remembered is too much', () => {
    // Nine registers, twice; then seven.
    const bases = [RAX, RCX, RDX, RBX, RBP, RSI, 7, R12, R14]
    const twice = (some: readonly number[]) => [0, 8].flatMap((disp) => some.map((base) => add(11, base, disp)))
    expect(looksIn(twice(bases))).toEqual([])
    expect(looksIn(twice(bases.slice(1)))).toHaveLength(8)
  })
})
