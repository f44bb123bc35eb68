import { canonical } from '../cold/slow-access.ts'
import { CPU } from '../state/layout.ts'
import type { CpuPolicy } from '../state/policy.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { PV } from './pv-state.ts'
import { isOfSpeculation, readSpeculation, writeSpeculation } from './speculation.ts'

const EFER = 0xc0000080
const TSC_ADJUST = 0x3b
const FS_BASE = 0xc0000100
const GS_BASE = 0xc0000101
const GS_KERNEL = 0xc0000102

/**
 * Machine check as Xen shows it to any domain (xen/arch/x86/cpu/mcheck/vmce.c): two banks that control everything and report nothing,
 * software recovery and threshold status. Kernels that look for errors panic where one of these is missing.
 */
const MCG_CAP = 0x179
const MCG_STATUS = 0x17a
const MCG_CTL = 0x17b
const MC0_CTL = 0x400
const MC_BANKS = 2
const MSRS_PER_BANK = 4
const ALL_ONES = 0xffff_ffff_ffff_ffffn
const MCG_CAP_VALUE = BigInt((1 << 24) | (1 << 11) | MC_BANKS)

/** Which of a bank's registers (CTL, STATUS, ADDR, MISC) `index` is; -1 if no bank has it. */
function bankRegister(index: number): number {
  const n = index - MC0_CTL
  return n >= 0 && n < MC_BANKS * MSRS_PER_BANK ? n % MSRS_PER_BANK : -1
}

/** LME, LMA, SCE, NXE. */
const EFER_VALUE = 0xd01n

/** Model-specific registers that read as constants and ignore writes of the same value (xen/arch/x86/pv/emul-priv-op.c read_msr, write_msr). */
const CONSTANTS: Readonly<Record<number, bigint>> = {
  [EFER]: EFER_VALUE,
  [TSC_ADJUST]: 0n,
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
export function readMsr(vcpu: VcpuMemory, policy: CpuPolicy, index: number, tsc: () => bigint): bigint | undefined {
  if (isOfSpeculation(index)) return readSpeculation(vcpu, policy, index)
  switch (index) {
    case FS_BASE:
      return vcpu.u64(CPU.FSBASE)
    case GS_BASE:
      return vcpu.u64(CPU.GSBASE)
    case GS_KERNEL:
      return vcpu.u64(PV.GS_USER)
    case 0x10:
      return tsc()
    case MCG_CAP:
      return MCG_CAP_VALUE
    case MCG_STATUS:
      return vcpu.u64(PV.MCG_STATUS)
    case MCG_CTL:
      return 0n
    default: {
      const register = bankRegister(index)
      return register < 0 ? CONSTANTS[index] : register === 0 ? ALL_ONES : 0n
    }
  }
}

/** False: #GP(0). */
export function writeMsr(vcpu: VcpuMemory, policy: CpuPolicy, index: number, value: bigint): boolean {
  if (isOfSpeculation(index)) return writeSpeculation(vcpu, policy, index, value)
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
    // All vCPUs have one TSC, and it stays as it is.
    case TSC_ADJUST:
      return value === 0n
    case MCG_STATUS:
      vcpu.setU64(PV.MCG_STATUS, value)
      return true
    case MCG_CTL:
      return true
    case MCG_CAP:
      return false
    default: {
      const register = bankRegister(index)
      // There is nothing to clear in a bank, and nothing may be made up.
      if (register >= 0) return register === 0 || value === 0n
      return CONSTANTS[index] !== undefined
    }
  }
}
