import { expect, test } from 'vitest'
import { readMsr, writeMsr } from '../../src/pv/msr.ts'
import { ALL, CpuPolicy } from '../../src/state/policy.ts'
import { Machine } from '../machine.ts'

const [SPEC_CTRL, PRED_CMD, ARCH_CAPABILITIES] = [0x48, 0x49, 0x10a]
const BHI_DIS_S = 1n << 10n

function registers(...hide: string[]) {
  const { vcpu } = new Machine()
  const policy = new CpuPolicy({ ...ALL, hide })
  return {
    read: (index: number) => readMsr(vcpu, policy, index, () => 0n),
    write: (index: number, value: bigint) => writeMsr(vcpu, policy, index, value),
  }
}

test('a guest is told that nothing leaks that a processor can say does not, and cannot say otherwise', () => {
  const { read, write } = registers()
  expect(read(ARCH_CAPABILITIES)).toBe(0x4000_0000_0d10_e17bn)
  expect(write(ARCH_CAPABILITIES, 0n)).toBe(false)
})

test('what it sets to mitigate the rest is kept; bits that nobody announced are refused', () => {
  const { read, write } = registers()
  expect(read(SPEC_CTRL)).toBe(0n)
  expect(write(SPEC_CTRL, BHI_DIS_S | 1n)).toBe(true)
  expect(read(SPEC_CTRL)).toBe(BHI_DIS_S | 1n)
  for (const bit of [2n, 3n, 7n, 32n, 63n]) expect(write(SPEC_CTRL, 1n << bit)).toBe(false)
  expect(read(SPEC_CTRL)).toBe(BHI_DIS_S | 1n)
})

test('the barrier is a command: it can be given and not be read', () => {
  const { read, write } = registers()
  expect([0n, 1n, 2n].map((value) => write(PRED_CMD, value))).toEqual([true, true, false])
  expect(read(PRED_CMD)).toBeUndefined()
})

test('a policy that hides a feature hides its registers and bits', () => {
  const without = registers('spec_ctrl', 'arch_capabilities')
  expect([SPEC_CTRL, PRED_CMD, ARCH_CAPABILITIES].map(without.read)).toEqual([undefined, undefined, undefined])
  expect([SPEC_CTRL, PRED_CMD].map((index) => without.write(index, 1n))).toEqual([false, false])
  expect(registers('bhi_ctrl').write(SPEC_CTRL, BHI_DIS_S)).toBe(false)
})
