import { expect, test, vi } from 'vitest'
import { codeWritten } from '../../src/mmu/code-written.ts'
import { PV } from '../../src/pv/pv-state.ts'
import type { PvVcpu } from '../../src/pv/pv-vcpu.ts'
import { CODE, ON_DB, ON_GP, pvVcpu } from './pv-machine.ts'

const BREAKPOINT = 3
const INT3 = 0xcc
/** What a guest may not do: the vCPU stays at ON_GP. */
const HLT = 0xf4
const NOP5 = Uint8Array.of(0x0f, 0x1f, 0x44, 0x00, 0x00)
/** The NOP as a kernel changes it: its first byte last (arch/x86/kernel/alternative.c text_poke_bp_batch). */
const HALF_DONE = Uint8Array.of(INT3, ...NOP5.subarray(1), HLT)

/** A vCPU whose first instruction traps, and then, before anything is done about it, another vCPU has written `bytes` over it. */
function changedAsItTraps(code: Uint8Array, bytes: Uint8Array): PvVcpu {
  const pv = pvVcpu(code)
  pv.vcpu.setU64(PV.TRAPS + BREAKPOINT * PV.TRAP_BYTES, ON_DB)
  const { runner, vcpu } = pv
  const run = runner.run.bind(runner)
  vi.spyOn(runner, 'run').mockImplementationOnce((...how) => {
    const stop = run(...how)
    expect([stop, vcpu.rip]).toEqual(['trap', CODE])
    const frame = runner.walker.walk(CODE, 0, false).frame
    vcpu.views.u8.set(bytes, frame)
    codeWritten([vcpu], frame, 0, bytes.length)
    return stop
  })
  expect(pv.run(50, true)).toBe('limit')
  return pv
}

test('an int3 that is no more when it is about to be raised has not been there', () => {
  expect(changedAsItTraps(HALF_DONE, NOP5).vcpu.rip).toBe(ON_GP)
})

test('an int3 that is still there is raised', () => {
  expect(changedAsItTraps(HALF_DONE, HALF_DONE).vcpu.rip).toBe(ON_DB)
})

test('an instruction that is emulated no more by then is run as what it is now', () => {
  const [cpuid, movAl7] = [Uint8Array.of(0x0f, 0xa2, HLT), Uint8Array.of(0xb0, 0x07)]
  const { vcpu } = changedAsItTraps(cpuid, movAl7)
  expect([vcpu.rip, vcpu.gpr(0)]).toEqual([ON_GP, 7n])
})
