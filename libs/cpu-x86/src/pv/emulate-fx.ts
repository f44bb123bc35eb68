import { canonical } from '../cold/slow-access.ts'
import type { Decoded, MemOperand } from '../decode/decoded.ts'
import { FDP, FIP, FOP, fcw, setFcw } from '../float/x87-state.ts'
import { CPU } from '../state/layout.ts'
import { type Emulated, type EmulationContext, faultOf, GP } from './emulation.ts'
import { linearAddress } from './operands.ts'
import { VECTOR } from './pv-state.ts'

/** Bytes of the image that FXSAVE writes; the rest is software's. */
export const SAVED = 416
/** xmm8 to xmm15 exist in 64-bit mode only. */
const XMM8 = 288
export const MXCSR = 24
export const MXCSR_MASK = 0xffff

/** In 64-bit mode with REX.W the pointers have 64 bits; else they are an offset of 32 bits with a selector, which is not kept. */
const hasWidePointers = ({ mode, size }: Decoded): boolean => mode === 64 && size === 8

/** What FXRSTOR makes of an image: bits that do not exist, ES and B; what it does not load. */
function settle(image: DataView, kept: Uint8Array, insn: Decoded): void {
  image.setUint16(FOP, image.getUint16(FOP, true) & 0x7ff, true)
  if (!hasWidePointers(insn)) for (const at of [FIP, FDP]) image.setUint32(at + 4, 0, true)
  setFcw(image, fcw(image))
  if (insn.mode === 32) for (let at = XMM8; at < SAVED; at++) image.setUint8(at, kept[at] as number)
}

/** fxsave and fxrstor: the vCPU keeps its x87 and SSE state as such an image. */
export function fxState(c: Pick<EmulationContext, 'vcpu' | 'memory'>, insn: Decoded): Emulated {
  const { vcpu, memory } = c
  const operand = insn.operands[0] as MemOperand
  const at = linearAddress(vcpu, insn, operand)
  if (operand.stack && !canonical(at)) return { vector: VECTOR.SS, error: 0 }
  if (at & 15n) return GP
  const image = vcpu.views.u8.subarray(vcpu.base + CPU.FX, vcpu.base + CPU.FX + SAVED)
  if (insn.row.name === 'fxsave') {
    const bytes = image.slice(0, insn.mode === 32 ? XMM8 : SAVED)
    const view = new DataView(bytes.buffer)
    if (!hasWidePointers(insn)) for (const pointer of [FIP, FDP]) view.setUint32(pointer + 4, 0, true)
    const fault = memory.access(at, bytes, true)
    return fault && faultOf(fault)
  }
  const bytes = new Uint8Array(SAVED)
  const fault = memory.access(at, bytes, false)
  if (fault) return faultOf(fault)
  const view = new DataView(bytes.buffer)
  if (view.getUint32(MXCSR, true) & ~MXCSR_MASK) return GP
  view.setUint32(MXCSR + 4, MXCSR_MASK, true)
  const kept = image.slice()
  image.set(bytes)
  settle(new DataView(image.buffer, image.byteOffset, SAVED), kept, insn)
  return undefined
}
