import { dropAllCode } from '../cold/drop-code.ts'
import { CPU, TSC_TRAPS } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { PV } from './pv-state.ts'

/** PE, MP, ET, NE, WP, AM, PG: CR0 as Xen runs with it and a PV guest reads it; TS is the guest's own. */
const CR0 = 0x80050033n
const CR0_TS = 8n

/** Bits of CR4 that are the guest's: rdtsc is refused to user mode, debug registers 4 and 5 are not there. */
export const CR4_TSD = 4
export const CR4_DE = 8
/** PAE, MCE, OSFXSR, OSXMMEXCPT: Xen's own, and seen by guests (xen/arch/x86/include/asm/pv/domain.h). */
const CR4_SEEN = 0x660n

export function readCr0(vcpu: VcpuMemory): bigint {
  return CR0 | (vcpu.i32(PV.TASK_SWITCHED) ? CR0_TS : 0n)
}

/** False: a bit other than TS would change. */
export function writeCr0(vcpu: VcpuMemory, value: bigint): boolean {
  if ((value & ~CR0_TS) !== CR0) return false
  setTaskSwitched(vcpu, (value & CR0_TS) !== 0n)
  return true
}

/** CR0.TS. While it is set, x87, MMX and SSE instructions are translated as ones that raise #NM. */
export function setTaskSwitched(vcpu: VcpuMemory, on: boolean): void {
  if (on && !vcpu.i32(PV.TASK_SWITCHED)) dropAllCode(vcpu)
  vcpu.setI32(PV.TASK_SWITCHED, on ? 1 : 0)
}

export function readCr4(vcpu: VcpuMemory): bigint {
  return CR4_SEEN | BigInt(vcpu.i32(PV.CR4))
}

/** Bits that are not the guest's to set are ignored. */
export function writeCr4(vcpu: VcpuMemory, value: bigint): void {
  vcpu.setI32(PV.CR4, Number(value & BigInt(CR4_TSD | CR4_DE)))
  const others = vcpu.i32(CPU.TSC_TRAPS) & ~TSC_TRAPS.TSD
  vcpu.setI32(CPU.TSC_TRAPS, value & BigInt(CR4_TSD) ? others | TSC_TRAPS.TSD : others)
}
