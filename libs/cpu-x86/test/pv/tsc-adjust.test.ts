import { expect, test } from 'vitest'
import { readMsr, writeMsr } from '../../src/pv/msr.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { Machine } from '../machine.ts'

const TSC_ADJUST = 0x3b

test('a guest finds that nothing was added to its TSC, and can add nothing', () => {
  const { vcpu } = new Machine()
  expect(readMsr(vcpu, DEFAULT_POLICY, TSC_ADJUST, () => 5n)).toBe(0n)
  expect(writeMsr(vcpu, DEFAULT_POLICY, TSC_ADJUST, 0n)).toBe(true)
  expect(writeMsr(vcpu, DEFAULT_POLICY, TSC_ADJUST, 1n)).toBe(false)
  expect(readMsr(vcpu, DEFAULT_POLICY, TSC_ADJUST, () => 5n)).toBe(0n)
})
