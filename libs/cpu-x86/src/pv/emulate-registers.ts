import { ENODEV } from '@paravane/core/abi'
import type { Decoded, RegOperand, SpecialOperand } from '../decode/decoded.ts'
import { readCr0, readCr4, setTaskSwitched, writeCr0, writeCr4 } from './control-registers.ts'
import { readDebugRegister, writeDebugRegister } from './debug-registers.ts'
import { type Emulated, type EmulationContext, GP, UD } from './emulation.ts'
import { inKernel } from './mode.ts'
import { PV } from './pv-state.ts'

/** mov to and from CR0, CR2, CR3, CR4, and clts (xen/arch/x86/pv/emul-priv-op.c read_cr, write_cr). */
export function accessControl(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu } = c
  if (insn.row.name === 'clts') {
    if (!inKernel(vcpu)) return GP
    setTaskSwitched(vcpu, false)
    return undefined
  }
  const isRead = insn.operands[1].kind === 'creg'
  const cr = (insn.operands[isRead ? 1 : 0] as SpecialOperand).reg
  // The processor knows no others; of CR8 Xen knows nothing.
  if (cr === 1 || (cr > 4 && cr !== 8)) return UD
  if (!inKernel(vcpu)) return GP
  const reg = (insn.operands[isRead ? 0 : 1] as RegOperand).reg
  if (isRead) {
    const value = readControl(c, cr)
    if (value === undefined) return GP
    vcpu.setGpr(reg, value)
    return undefined
  }
  return writeControl(c, cr, vcpu.gpr(reg))
}

function readControl(c: EmulationContext, cr: number): bigint | undefined {
  switch (cr) {
    case 0:
      return readCr0(c.vcpu)
    case 2:
      return c.cr2()
    case 3:
      return BigInt(c.vcpu.i32(PV.KERNEL_ROOT)) << 12n
    case 4:
      return readCr4(c.vcpu)
    default:
      return undefined
  }
}

function writeControl(c: EmulationContext, cr: number, value: bigint): Emulated {
  switch (cr) {
    case 0:
      return writeCr0(c.vcpu, value) ? undefined : GP
    case 2:
      c.setCr2(value)
      return undefined
    case 3:
      return value >> 12n < 0x1_0000_0000n && c.newBaseptr(Number(value >> 12n)) ? undefined : GP
    case 4:
      writeCr4(c.vcpu, value)
      return undefined
    default:
      return GP
  }
}

export function accessDebug(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu } = c
  if (!inKernel(vcpu)) return GP
  const isRead = insn.operands[1].kind === 'dreg'
  const n = (insn.operands[isRead ? 1 : 0] as SpecialOperand).reg
  const { reg } = insn.operands[isRead ? 0 : 1] as RegOperand
  if (isRead) {
    const value = readDebugRegister(vcpu, n)
    if (value === undefined) return UD
    vcpu.setGpr(reg, value)
    return undefined
  }
  const outcome = writeDebugRegister(vcpu, n, vcpu.gpr(reg))
  return outcome === 0 ? undefined : outcome === -ENODEV ? UD : GP
}
