import type { Decoded } from '../decode/decoded.ts'
import { readRflags, writeRflags } from '../state/rflags.ts'
import { readCr0 } from './control-registers.ts'
import { isSegment, privilege } from './descriptors.ts'
import { type Emulated, type EmulationContext, faultOf, GP, UD } from './emulation.ts'
import { ioplAllows } from './io-permission.ts'
import { inKernel } from './mode.ts'

const ZF = 64n
/** What popf changes at CPL 3 with IOPL 0: not IF, IOPL, VM, VIF, VIP; RF is cleared. */
const POPF = 0x244dd5n

export function popFlags(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu, memory } = c
  const bytes = new Uint8Array(8)
  const fault = memory.access(vcpu.gpr(4), bytes.subarray(0, insn.size), false)
  if (fault) return faultOf(fault, true)
  const value = new DataView(bytes.buffer).getBigUint64(0, true)
  const mask = insn.size === 2 ? POPF & 0xffffn : POPF
  writeRflags(vcpu, (readRflags(vcpu) & ~(mask | 0x10000n)) | (value & mask))
  vcpu.setGpr(4, BigInt.asUintN(insn.mode, vcpu.gpr(4) + BigInt(insn.size)))
  return undefined
}

/** Xen's own LDT and task state segment. */
const LDT_SELECTOR = 0xe050n
const TASK_SELECTOR = 0xe040n

/** sldt, str, sgdt and their kin, lar and lsl, cli and sti, cache instructions. */
export function system(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu } = c
  switch (insn.row.name) {
    case 'cli':
    case 'sti':
      // Events are masked in vcpu_info; the flag itself does nothing where IOPL allows to touch it.
      return ioplAllows(c) ? undefined : GP
    case 'invd':
    case 'wbinvd':
      return inKernel(vcpu) ? undefined : GP
    case 'sldt':
      return store(c, insn, LDT_SELECTOR)
    case 'str':
      return store(c, insn, TASK_SELECTOR)
    case 'smsw':
      return store(c, insn, readCr0(vcpu))
    case 'sgdt':
    case 'sidt':
      return storeTable(c, insn)
    case 'lar':
    case 'lsl':
      return descriptorField(c, insn)
    case 'verr':
    case 'verw':
      return verify(c, insn)
    case 'xgetbv':
    case 'xsetbv':
      return UD
    default:
      return GP
  }
}

function store(c: EmulationContext, insn: Decoded, value: bigint): Emulated {
  const [to] = insn.operands
  const fault = c.operands.write(insn, to, to.kind === 'reg' ? insn.size : 2, value)
  return fault && faultOf(fault)
}

/** Limit 0 and base 0: a PV guest has no table of its own to see. */
function storeTable(c: EmulationContext, insn: Decoded): Emulated {
  const [to] = insn.operands
  for (const [offset, size] of [
    [0, 2],
    [2, insn.mode === 32 ? 4 : 8],
  ] as const) {
    const at = to.kind === 'mem' ? { ...to, disp: to.disp + BigInt(offset) } : to
    const fault = c.operands.write(insn, at, size, 0n)
    if (fault) return faultOf(fault)
  }
  return undefined
}

function setZero(c: EmulationContext, on: boolean): void {
  const flags = readRflags(c.vcpu)
  writeRflags(c.vcpu, on ? flags | ZF : flags & ~ZF)
}

/** Access rights or limit of a segment that CPL 3 may see, ZF telling whether. */
function descriptorField(c: EmulationContext, insn: Decoded): Emulated {
  const selector = c.operands.read(insn, insn.operands[1], 2)
  if (typeof selector !== 'bigint') return faultOf(selector)
  const d = c.descriptors.read(Number(selector))
  if (d && 'vector' in d) return d
  const conforming = d !== undefined && (d.high & 0x1c00) === 0x1c00
  const visible = d !== undefined && isSegment(d) && (conforming || privilege(d) === 3)
  if (visible) {
    const value = insn.row.name === 'lsl' ? d.limit : d.high & 0xf0ff00
    const fault = c.operands.write(insn, insn.operands[0], insn.size, BigInt(value >>> 0))
    if (fault) return faultOf(fault)
  }
  setZero(c, visible)
  return undefined
}

function verify(c: EmulationContext, insn: Decoded): Emulated {
  const selector = c.operands.read(insn, insn.operands[0], 2)
  if (typeof selector !== 'bigint') return faultOf(selector)
  const d = c.descriptors.read(Number(selector))
  if (d && 'vector' in d) return d
  const code = d !== undefined && (d.high & 0x800) !== 0
  const readable = d !== undefined && (!code || (d.high & 0x200) !== 0)
  const writable = d !== undefined && !code && (d.high & 0x200) !== 0
  const conforming = code && d !== undefined && (d.high & 0x400) !== 0
  const reachable = d !== undefined && isSegment(d) && (conforming || privilege(d) === 3)
  setZero(c, reachable && (insn.row.name === 'verr' ? readable : writable))
  return undefined
}
