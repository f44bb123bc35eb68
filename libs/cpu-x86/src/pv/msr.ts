import { canonical } from '../cold/slow-access.ts'
import { CPU } from '../state/layout.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { PV } from './pv-state.ts'

const EFER = 0xc0000080
const FS_BASE = 0xc0000100
const GS_BASE = 0xc0000101
const GS_KERNEL = 0xc0000102

/** LME, LMA, SCE, NXE. */
const EFER_VALUE = 0xd01n

/** Model-specific registers that read as constants and ignore writes of the same value (xen/arch/x86/pv/emul-priv-op.c read_msr, write_msr). */
const CONSTANTS: Readonly<Record<number, bigint>> = {
  [EFER]: EFER_VALUE,
  /** APIC_BASE: enabled, bootstrap processor. */
  27: 0xfee00900n,
  /** PAT as Xen sets it. */
  631: 0x050100070406n,
  /** MISC_ENABLE: fast strings, or Linux takes ERMS away. */
  416: 1n,
  /** PERF_CAPABILITIES and microcode revision. */
  837: 0n,
  139: 0n,
}

/** Undefined: #GP(0). */
export function readMsr(vcpu: VcpuMemory, index: number, tsc: () => bigint): bigint | undefined {
  switch (index) {
    case FS_BASE:
      return vcpu.u64(CPU.FSBASE)
    case GS_BASE:
      return vcpu.u64(CPU.GSBASE)
    case GS_KERNEL:
      return vcpu.u64(PV.GS_USER)
    case 0x10:
      return tsc()
    default:
      return CONSTANTS[index]
  }
}

/** False: #GP(0). */
export function writeMsr(vcpu: VcpuMemory, index: number, value: bigint): boolean {
  switch (index) {
    case FS_BASE:
    case GS_BASE:
    case GS_KERNEL: {
      if (!canonical(value)) return false
      vcpu.setU64(index === FS_BASE ? CPU.FSBASE : index === GS_BASE ? CPU.GSBASE : PV.GS_USER, value)
      return true
    }
    case EFER:
      return value === EFER_VALUE
    default:
      return CONSTANTS[index] !== undefined
  }
}
