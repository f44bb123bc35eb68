import { createDomainState, VCPU, VCPU_UP } from '@paravane/core'
import {
  sizeof,
  trap_info,
  VGCF_IN_KERNEL,
  VGCF_online,
  VGCF_syscall_disables_events,
  vcpu_guest_context,
} from '@paravane/core/abi'
import { expect, test } from 'vitest'
import { toggleMode } from '../../src/pv/mode.ts'
import { readContext } from '../../src/pv/read-context.ts'
import { GPR_FIELDS, initialiseFromContext } from '../../src/pv/vcpu-context.ts'
import { Machine } from '../machine.ts'

const c = vcpu_guest_context
const blank = (): DataView => new DataView(new ArrayBuffer(sizeof(vcpu_guest_context)))

/** A context in which no two fields are alike. */
function someContext(): DataView {
  const context = blank()
  for (let n = 0; n < 416; n++) c.fpu_ctxt.x.set(context, 0, n, n % 251)
  c.flags.setNumber(context, 0, 1 | VGCF_IN_KERNEL | VGCF_syscall_disables_events)
  for (const [n, name] of GPR_FIELDS.entries()) c.user_regs[name].set(context, 0, BigInt(0x1000 + n))
  c.user_regs.rip.set(context, 0, 0x2000n)
  c.user_regs.rflags.set(context, 0, 0x247n)
  c.user_regs.cs.set(context, 0, 0xe033)
  c.user_regs.ss.set(context, 0, 0xe02b)
  for (const [n, name] of (['ds', 'es', 'fs', 'gs'] as const).entries()) c.user_regs[name].set(context, 0, 0x13 + n * 8)
  for (let n = 0; n < 256; n++) {
    trap_info.vector.set(context, c.trap_ctxt.at(n), n)
    trap_info.address.set(context, c.trap_ctxt.at(n), BigInt(0x100000 + n))
    trap_info.flags.set(context, c.trap_ctxt.at(n), n & 7)
    trap_info.cs.set(context, c.trap_ctxt.at(n), 0xe033)
  }
  c.kernel_ss.set(context, 0, 0xe02bn)
  c.kernel_sp.set(context, 0, 0x3000n)
  c.ctrlreg.set(context, 0, 0, 0x80050033n)
  c.ctrlreg.set(context, 0, 1, 2n << 12n)
  c.ctrlreg.set(context, 0, 3, 1n << 12n)
  c.ctrlreg.set(context, 0, 4, 0x660n)
  c.debugreg.set(context, 0, 1, 0x7000n)
  c.debugreg.set(context, 0, 6, 0xffff0ff0n)
  c.debugreg.set(context, 0, 7, 0x400n)
  c.event_callback_eip.set(context, 0, 0x4000n)
  c.failsafe_callback_eip.set(context, 0, 0x4100n)
  c.syscall_callback_eip.set(context, 0, 0x4200n)
  c.fs_base.set(context, 0, 0x5000n)
  c.gs_base_kernel.set(context, 0, 0x5100n)
  c.gs_base_user.set(context, 0, 0x5200n)
  return context
}

test('a vCPU tells what it was given, in whichever mode it is', () => {
  const { vcpu } = new Machine()
  const given = someContext()
  const hooks = { takeRoots: () => 0, setGdt: () => 0, setLdt: () => {} }
  expect(initialiseFromContext(vcpu, given, hooks)).toBe(0)
  const state = createDomainState({ domid: 1, nrVcpus: 1, maxPages: 1, sharedInfoFrame: 1 })
  const told = (): Uint8Array => {
    const context = blank()
    readContext({ vcpus: [vcpu], state }, 0, context)
    return new Uint8Array(context.buffer)
  }
  const expected = new Uint8Array(given.buffer)
  // MXCSR_MASK, which is the processor's to say.
  for (const [n, byte] of [0xff, 0xff, 0, 0].entries()) expected[28 + n] = byte
  const first = told()
  // MXCSR keeps the bits there are.
  expected[27] = first[27]!
  expected[26] = first[26]!
  expect(first).toEqual(expected)
  VCPU.flags.store(state.memory, state.vcpu(0), VCPU_UP)
  toggleMode(vcpu)
  c.flags.setNumber(given, 0, 1 | VGCF_syscall_disables_events | VGCF_online)
  expect(told()).toEqual(expected)
})
