import type { Decoded, MemOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import { type Emulated, type EmulationContext, faultOf, GP } from './emulation.ts'
import { linearAddress } from './operands.ts'

/** Bytes of the image that FXSAVE writes; the rest is software's. */
const SAVED = 416
const MXCSR = 24
const MXCSR_MASK = 0xffff

/** fxsave and fxrstor: the vCPU keeps its x87 and SSE state as such an image. */
export function fxState(c: EmulationContext, insn: Decoded): Emulated {
  const { vcpu, memory } = c
  const at = linearAddress(vcpu, insn, insn.operands[0] as MemOperand)
  if (at & 15n) return GP
  const image = vcpu.views.u8.subarray(vcpu.base + CPU.FX, vcpu.base + CPU.FX + SAVED)
  if (insn.row.name === 'fxsave') {
    const fault = memory.access(at, image.slice(), true)
    return fault && faultOf(fault)
  }
  const bytes = new Uint8Array(SAVED)
  const fault = memory.access(at, bytes, false)
  if (fault) return faultOf(fault)
  const view = new DataView(bytes.buffer)
  if (view.getUint32(MXCSR, true) & ~MXCSR_MASK) return GP
  view.setUint32(MXCSR + 4, MXCSR_MASK, true)
  image.set(bytes)
  return undefined
}
