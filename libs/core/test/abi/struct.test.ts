import { describe, expect, test } from 'vitest'
import { type Struct, sizeof, struct } from '../../src/abi/struct.ts'
import { HypervisorBug } from '../../src/errors.ts'

const inner = { tiny: 's8', wide: 'u64' } as const
const insideOf: Struct<typeof inner> = struct('inner', inner)
const outer = {
  kind: 'u16',
  name: ['char', 8],
  in: insideOf as typeof insideOf,
  u: { union: { pair: { a: 'u8', b: 's32' }, word: 'u32' } },
  signed: 's64',
  slots: [insideOf as typeof insideOf, 3],
  words: ['u64', 2],
  tail: ['u16', 0],
} as const
const sample: Struct<typeof outer> = struct('outer', outer)

/** Where the structure lies: nothing may depend on its being aligned. */
const AT = 3
const view = () => new DataView(new ArrayBuffer(256), 1)
const bytes = (v: DataView, from: number, length: number) => [...new Uint8Array(v.buffer, v.byteOffset + from, length)]

describe('a declared structure', () => {
  test('stores little-endian at its own place and nowhere else', () => {
    const v = view()
    sample.kind.set(v, AT, 0x1_0203)
    sample.u.pair.b.set(v, AT, -2)
    expect(bytes(v, 0, AT + 4)).toEqual([0, 0, 0, 0x03, 0x02, 0, 0])
    expect(sample.u.word.get(v, AT)).toBe(0)
    expect([sample.u.pair.a.get(v, AT), sample.u.pair.b.get(v, AT)]).toEqual([0, -2])
    sample.u.word.set(v, AT, 0xffff_ff80)
    expect(sample.u.pair.a.get(v, AT)).toBe(0x80)
  })

  test('counts offsets of embedded fields from the outermost structure', () => {
    expect([sample.in.wide.offset, sample.slots.at(2), sizeof(sample.slots)]).toEqual([24, 48 + 32, 48])
    const v = view()
    sample.slots.element.tiny.set(v, AT + sample.slots.at(2), -1)
    expect(bytes(v, AT + 80, 1)).toEqual([0xff])
  })

  test('without padding if packed', () => {
    expect(sizeof(struct('p', { a: 'u8', b: 'u64', c: 'u16' }, 'packed'))).toBe(11)
    expect(sizeof(struct('n', { a: 'u8', b: 'u64', c: 'u16' }))).toBe(24)
  })
})

describe('a field of 64 bits', () => {
  const safe = Number.MAX_SAFE_INTEGER
  test.each([
    [0n, 0],
    [0xffff_ffffn, 0xffff_ffff],
    [BigInt(safe), safe],
    [BigInt(safe) + 1n, Number.POSITIVE_INFINITY],
    [0xffff_ffff_ffff_ffffn, Number.POSITIVE_INFINITY],
  ])('unsigned %d is the number %d', (value, number) => {
    const v = view()
    sample.in.wide.set(v, AT, value)
    expect([sample.in.wide.get(v, AT), sample.in.wide.getNumber(v, AT)]).toEqual([value, number])
    expect(sample.in.wide.lo(v, AT)).toBe(Number(value & 0xffff_ffffn))
    expect(sample.in.wide.hi(v, AT)).toBe(Number(value >> 32n))
  })

  test.each([
    [-1n, -1],
    [-0x1_0000_0001n, -0x1_0000_0001],
    [BigInt(safe), safe],
    [-BigInt(safe), -safe],
    [-BigInt(safe) - 1n, Number.NEGATIVE_INFINITY],
    [BigInt(safe) + 1n, Number.POSITIVE_INFINITY],
  ])('signed %d is the number %d', (value, number) => {
    const v = view()
    sample.signed.set(v, AT, value)
    expect([sample.signed.get(v, AT), sample.signed.getNumber(v, AT)]).toEqual([value, number])
  })

  test('takes numbers that fit it and no others', () => {
    const v = view()
    sample.signed.setNumber(v, AT, -0x1_0000_0001)
    sample.words.setNumber(v, AT, 1, safe)
    expect([sample.signed.get(v, AT), sample.words.get(v, AT, 1)]).toEqual([-0x1_0000_0001n, BigInt(safe)])
    for (const bad of [-1, 0.5, safe + 1, Number.NaN]) {
      expect(() => sample.in.wide.setNumber(v, AT, bad)).toThrow(HypervisorBug)
    }
  })
})

describe('a text', () => {
  test('ends at its NUL, or with its field', () => {
    const v = view()
    sample.name.set(v, AT, 'longest')
    sample.name.set(v, AT, 'xén')
    expect([sample.name.get(v, AT), bytes(v, AT + 2, 8)]).toEqual(['xén', [0x78, 0xc3, 0xa9, 0x6e, 0, 0, 0, 0]])
    for (let i = 0; i < 8; i++) v.setUint8(AT + 2 + i, 0x61)
    expect(sample.name.get(v, AT)).toBe('aaaaaaaa')
  })

  test('that leaves no room for its NUL is refused', () => {
    expect(() => sample.name.set(view(), AT, '12345678')).toThrow(HypervisorBug)
  })

  test('can be read from memory that is shared with a guest', () => {
    const v = new DataView(new SharedArrayBuffer(64))
    sample.name.set(v, AT, 'dom1')
    expect(sample.name.get(v, AT)).toBe('dom1')
  })
})

test('an index outside an array is refused, but in one without end', () => {
  const v = view()
  for (const index of [-1, 2, Number.NaN]) expect(() => sample.words.get(v, AT, index)).toThrow(HypervisorBug)
  sample.tail.set(v, AT, 5, 0xabcd)
  expect(bytes(v, AT + sizeof(sample) + 10, 2)).toEqual([0xcd, 0xab])
})
