import type { Decoded, RegOperand, SpecialOperand } from '../decode/decoded.ts'
import { type Emulated, type EmulationContext, GP, UD } from './emulation.ts'
import { inKernel } from './mode.ts'
import { PV } from './pv-state.ts'

/** PE, MP, ET, NE, WP, AM, PG: CR0 as a PV guest reads it; TS is its own. */
const CR0 = 0x80050033n
const TS = 8n
/** PAE, OSFXSR, OSXMMEXCPT: MCE shows too. */
const CR4 = 0x660n

/** mov to and from CR0, CR2, CR3, CR4, and clts (xen/arch/x86/pv/emul-priv-op.c read_cr, write_cr). */
export function accessControl(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu } = c
  if (!inKernel(vcpu)) return GP
  if (insn.row.name === 'clts') {
    vcpu.setI32(PV.TASK_SWITCHED, 0)
    return undefined
  }
  const isRead = insn.operands[1].kind === 'creg'
  const cr = (insn.operands[isRead ? 1 : 0] as SpecialOperand).reg
  const reg = (insn.operands[isRead ? 0 : 1] as RegOperand).reg
  if (isRead) {
    const value = readControl(c, cr)
    if (value === undefined) return UD
    vcpu.setGpr(reg, value)
    return undefined
  }
  return writeControl(c, cr, vcpu.gpr(reg))
}

function readControl(c: EmulationContext, cr: number): bigint | undefined {
  switch (cr) {
    case 0:
      return CR0 | (c.vcpu.i32(PV.TASK_SWITCHED) ? TS : 0n)
    case 2:
      return c.cr2()
    case 3:
      return BigInt(c.vcpu.i32(PV.KERNEL_ROOT)) << 12n
    case 4:
      return CR4
    default:
      return undefined
  }
}

function writeControl(c: EmulationContext, cr: number, value: bigint): Emulated {
  switch (cr) {
    case 0:
      // Only TS may change.
      if ((value & ~TS) !== CR0) return GP
      c.vcpu.setI32(PV.TASK_SWITCHED, value & TS ? 1 : 0)
      return undefined
    case 2:
      c.setCr2(value)
      return undefined
    case 3:
      return value >> 12n < 0x1_0000_0000n && c.newBaseptr(Number(value >> 12n)) ? undefined : GP
    case 4:
      return undefined
    default:
      return UD
  }
}

/** Bits of DR6 and DR7 that always read as one. */
const DR6_ONES = 0xffff0ff0n
const DR7_ONES = 0x400n

export function accessDebug(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu } = c
  if (!inKernel(vcpu)) return GP
  const isRead = insn.operands[1].kind === 'dreg'
  const dr = (insn.operands[isRead ? 1 : 0] as SpecialOperand).reg
  const reg = (insn.operands[isRead ? 0 : 1] as RegOperand).reg
  // CR4.DE is clear: 4 and 5 are other names of 6 and 7.
  const n = dr === 4 || dr === 5 ? dr + 2 : dr
  const at = PV.DEBUG + n * 8
  if (isRead) {
    vcpu.setGpr(reg, vcpu.u64(at) | (n === 6 ? DR6_ONES : n === 7 ? DR7_ONES : 0n))
    return undefined
  }
  if (n >= 6 && vcpu.gpr(reg) >> 32n !== 0n) return GP
  vcpu.setU64(at, vcpu.gpr(reg))
  return undefined
}
