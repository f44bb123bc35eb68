import type { Trap } from '../builder/builder.ts'
import type { Decoded } from '../decode/decoded.ts'
import { CR4_TSD } from './control-registers.ts'
import { cpuid } from './cpuid.ts'
import { fxState } from './emulate-fx.ts'
import { iretInstruction } from './emulate-iret.ts'
import { portInstruction } from './emulate-port.ts'
import { accessControl, accessDebug } from './emulate-registers.ts'
import { accessSegment, farBranch } from './emulate-segment.ts'
import { popFlags, system } from './emulate-system.ts'
import { type Emulated, type EmulationContext, GP, UD } from './emulation.ts'
import { inKernel } from './mode.ts'
import { readMsr, writeMsr } from './msr.ts'
import { PV } from './pv-state.ts'

/** "ud2; xen" before cpuid: Xen answers it whatever hardware would (xen.h XEN_EMULATE_PREFIX). */
const FORCED_CPUID = [0x78, 0x65, 0x6e, 0x0f, 0xa2]

const RAX = 0
const RCX = 1
const RDX = 2
const RBX = 3

/** Instructions that a PV guest cannot run at ring 3, and some that are simpler here (xen/arch/x86/pv/emul-priv-op.c). */
export class Emulator {
  readonly #c: EmulationContext

  constructor(context: EmulationContext) {
    this.#c = context
  }

  /** The instruction at RIP. @throws AbsentFrame with nothing changed */
  emulate(kind: Trap, insn: Decoded): Emulated {
    switch (kind) {
      case 'ud':
        return this.#forcedCpuid()
      case 'cpuid':
        return this.#cpuid()
      case 'rdtsc':
        if (!inKernel(this.#c.vcpu) && this.#c.vcpu.i32(PV.CR4) & CR4_TSD) return GP
        return this.#pair(this.#c.clock.tsc())
      case 'rdtscp':
        return UD
      case 'msr':
        return this.#msr(insn.row.name === 'wrmsr')
      case 'creg':
        return accessControl(this.#c, insn)
      case 'dreg':
        return accessDebug(this.#c, insn)
      case 'io':
        return portInstruction(this.#c, insn)
      case 'segment':
        return accessSegment(this.#c, insn)
      case 'iret':
        return iretInstruction(this.#c, insn)
      case 'farbranch':
        return farBranch(this.#c, insn)
      case 'flags':
        return popFlags(this.#c, insn)
      case 'fxstate':
        return fxState(this.#c, insn)
      case 'system':
        return system(this.#c, insn)
      default:
        return GP
    }
  }

  #pair(value: bigint): undefined {
    this.#c.vcpu.setGpr(RAX, value & 0xffffffffn)
    this.#c.vcpu.setGpr(RDX, value >> 32n)
  }

  #cpuid(): undefined {
    const { vcpu, policy } = this.#c
    const [leaf, subleaf] = [vcpu.gpr(RAX), vcpu.gpr(RCX)].map((value) => Number(value & 0xffffffffn))
    const r = cpuid(policy, leaf, subleaf)
    for (const [reg, value] of [
      [RAX, r.eax],
      [RBX, r.ebx],
      [RCX, r.ecx],
      [RDX, r.edx],
    ] as const)
      vcpu.setGpr(reg, BigInt(value >>> 0))
  }

  #forcedCpuid(): Emulated {
    const { vcpu, memory } = this.#c
    const bytes = new Uint8Array(FORCED_CPUID.length)
    if (memory.access(vcpu.rip + 2n, bytes, false)) return UD
    if (!FORCED_CPUID.every((b, n) => b === bytes[n])) return UD
    this.#cpuid()
    vcpu.rip += 2n + BigInt(FORCED_CPUID.length)
    return 'jumped'
  }

  #msr(write: boolean): Emulated {
    const { vcpu, policy } = this.#c
    if (!inKernel(vcpu)) return GP
    const index = Number(vcpu.gpr(RCX) & 0xffffffffn)
    if (write) {
      const value = ((vcpu.gpr(RDX) & 0xffffffffn) << 32n) | (vcpu.gpr(RAX) & 0xffffffffn)
      return writeMsr(vcpu, policy, index, value) ? undefined : GP
    }
    const value = readMsr(vcpu, policy, index, () => this.#c.clock.tsc())
    return value === undefined ? GP : this.#pair(value)
  }
}
