import { expect, test } from 'vitest'
import { readMsr, writeMsr } from '../../src/pv/msr.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { Machine } from '../machine.ts'

const NOTHING = 0n
const ALL_ONES = 0xffff_ffff_ffff_ffffn

test('a guest finds the machine check banks that Xen gives it, in which nothing is reported', () => {
  const { vcpu } = new Machine()
  const read = (index: number) => readMsr(vcpu, DEFAULT_POLICY, index, () => 0n)
  expect(read(0x179)).toBe((1n << 24n) | (1n << 11n) | 2n)
  expect([0x17a, 0x17b].map(read)).toEqual([NOTHING, NOTHING])
  const bank = [ALL_ONES, NOTHING, NOTHING, NOTHING]
  expect(Array.from({ length: 8 }, (_, n) => read(0x400 + n))).toEqual([...bank, ...bank])
  expect([0x3ff, 0x408].map(read)).toEqual([undefined, undefined])
})

test('it may clear and enable them, but invents no error and no capability', () => {
  const { vcpu } = new Machine()
  const accepted: readonly (readonly [index: number, value: bigint, accepted: boolean])[] = [
    [0x17a, 4n, true],
    [0x17b, ALL_ONES, true],
    [0x179, 2n, false],
    [0x400, 0n, true],
    [0x404, ALL_ONES, true],
    [0x401, 0n, true],
    [0x401, 1n << 63n, false],
    [0x406, 0x1000n, false],
    [0x408, 0n, false],
  ]
  for (const [index, value, ok] of accepted)
    expect([index, writeMsr(vcpu, DEFAULT_POLICY, index, value)]).toEqual([index, ok])
  expect(readMsr(vcpu, DEFAULT_POLICY, 0x17a, () => 0n)).toBe(4n)
  expect(readMsr(vcpu, DEFAULT_POLICY, 0x400, () => 0n)).toBe(ALL_ONES)
})
