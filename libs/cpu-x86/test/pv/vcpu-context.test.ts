import { EINVAL, sizeof, VGCF_IN_KERNEL, vcpu_guest_context } from '@paravane/core/abi'
import { expect, test } from 'vitest'
import { initialiseFromContext } from '../../src/pv/vcpu-context.ts'
import { Machine } from '../machine.ts'

const LDT = 0xffff_8800_0000_1000n

/** What VCPUOP_initialise answers, and what becomes of the LDT. */
function initialised(base: bigint, entries: bigint): readonly [answer: number, ldt?: readonly [bigint, number]] {
  const context = new DataView(new ArrayBuffer(sizeof(vcpu_guest_context)))
  const c = vcpu_guest_context
  c.flags.set(context, 0, BigInt(VGCF_IN_KERNEL))
  c.ctrlreg.set(context, 0, 3, 1n << 12n)
  c.ldt_base.set(context, 0, base)
  c.ldt_ents.set(context, 0, entries)
  let ldt: readonly [bigint, number] | undefined
  const answer = initialiseFromContext(new Machine().vcpu, context, {
    takeRoots: () => 0,
    setGdt: () => 0,
    setLdt: (...to) => {
      ldt = to
    },
  })
  return ldt === undefined ? [answer] : [answer, ldt]
}

test.each<[what: string, base: bigint, entries: bigint, expected: ReturnType<typeof initialised>]>([
  ['an LDT', LDT, 5n, [0, [LDT, 5]]],
  ['the longest one', LDT, 8192n, [0, [LDT, 8192]]],
  ['none, whatever its base', LDT, 0n, [0, [0n, 0]]],
  ['one too long', LDT, 8193n, [-EINVAL]],
  ['one not at a page', LDT + 8n, 5n, [-EINVAL]],
  ['one in the hypervisor', 0xffff_8000_0000_0000n, 5n, [-EINVAL]],
])('a new vCPU with %s', (_what, base, entries, expected) => {
  expect(initialised(base, entries)).toEqual(expected)
})
