import type { CpuPolicy } from '../state/policy.ts'
import type { VcpuMemory } from '../state/vcpu-memory.ts'
import { PV } from './pv-state.ts'

/**
 * Registers by which a kernel learns what its processor leaks by speculation and forbids it (SDM vol. 4 table 2-2). Nothing of a guest
 * runs on the host's processor as the guest wrote it, so a guest's mitigations would cost time and protect nothing: what can be said to
 * be absent is, and what the model is said to have is "mitigated" by a bit that the guest sets and nothing looks at.
 */
const SPEC_CTRL = 0x48
const PRED_CMD = 0x49
const ARCH_CAPABILITIES = 0x10a

/** Bits of IA32_ARCH_CAPABILITIES, all of them good news. */
const ABSENT: readonly number[] = [
  0, // RDCL_NO: no Meltdown, no L1TF
  1, // IBRS_ALL: IBRS stays set and needs no retpolines
  3, // SKIP_L1DFL_VMENTRY
  4, // SSB_NO
  5, // MDS_NO
  6, // IF_PSCHANGE_MC_NO
  8, // TAA_NO
  13, // SBDR_SSDP_NO
  14, // FBSDP_NO
  15, // PSDP_NO
  20, // BHI_NO
  24, // PBRSB_NO
  26, // GDS_NO
  27, // RFDS_NO
  62, // ITS_NO
]
const ARCH_CAPABILITIES_VALUE = ABSENT.reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n)

/** IBRS and STIBP of IA32_SPEC_CTRL; BHI_DIS_S with the feature that announces it; IBPB, the one command of IA32_PRED_CMD. */
const IBRS_STIBP = 3n
const BHI_DIS_S = 1n << 10n
const IBPB = 1n

export function isOfSpeculation(index: number): boolean {
  return index === SPEC_CTRL || index === PRED_CMD || index === ARCH_CAPABILITIES
}

/** Undefined: #GP(0). */
export function readSpeculation(vcpu: VcpuMemory, policy: CpuPolicy, index: number): bigint | undefined {
  if (index === ARCH_CAPABILITIES) return policy.offers('arch_capabilities') ? ARCH_CAPABILITIES_VALUE : undefined
  return index === SPEC_CTRL && policy.offers('spec_ctrl') ? BigInt(vcpu.i32(PV.SPEC_CTRL)) : undefined
}

/** False: #GP(0). */
export function writeSpeculation(vcpu: VcpuMemory, policy: CpuPolicy, index: number, value: bigint): boolean {
  if (!policy.offers('spec_ctrl') || index === ARCH_CAPABILITIES) return false
  if (index === PRED_CMD) return (value & ~IBPB) === 0n
  const known = IBRS_STIBP | (policy.offers('bhi_ctrl') ? BHI_DIS_S : 0n)
  if (value & ~known) return false
  vcpu.setI32(PV.SPEC_CTRL, Number(value))
  return true
}
