/** FXSAVE and FXRSTOR in 64-bit mode: which bytes of the 512 they touch (SDM volume 1, section 10.5; volume 2, FXSAVE). */
import { FCW, FDP, FIP, FOP, FSW, FTW, fsw, ST, setFcw, setPointers, setStatus } from './x87-state.ts'

export const FX_IMAGE_BYTES = 512
/** Bytes the instructions transfer with 16 XMM registers; the last 96 are left to software, and not written. */
export const FX_TRANSFERRED_BYTES = 416
export const FX_MXCSR = 24
export const FX_MXCSR_MASK = 28
export const FX_XMM = 160
/** The MXCSR bits that exist: all of the low 16, DAZ included. Loading any other bit is #GP(0). */
export const MXCSR_MASK = 0xffff
export const MXCSR_DEFAULT = 0x1f80

const TOP_MASK = 0x3800

/** A processor as INIT leaves it for software: x87 as after fninit, MXCSR 0x1f80, registers zero. */
export function resetFxImage(state: DataView): void {
  for (let i = 0; i < FX_IMAGE_BYTES; i += 4) state.setUint32(i, 0, true)
  state.setUint16(FCW, 0x037f, true)
  state.setUint32(FX_MXCSR, MXCSR_DEFAULT, true)
  state.setUint32(FX_MXCSR_MASK, MXCSR_MASK, true)
}

/**
 * fxsave (`wide` false) and fxsave64 (`wide`, REX.W). The narrow form stores 32-bit pointers and zero selectors.
 * @param out at least FX_TRANSFERRED_BYTES bytes
 * @param xmmRegisters 16 in 64-bit mode; 8 in compatibility mode, where the other eight are not touched
 */
export function fxsave(state: DataView, out: DataView, wide: boolean, xmmRegisters: 8 | 16 = 16): void {
  for (let i = 0; i < FX_XMM + 16 * xmmRegisters; i += 4) out.setUint32(i, state.getUint32(i, true), true)
  out.setUint8(FTW + 1, 0)
  out.setUint32(FX_MXCSR_MASK, MXCSR_MASK, true)
  for (let i = 0; i < 8; i++) {
    out.setUint16(ST + 16 * i + 10, 0, true)
    out.setUint32(ST + 16 * i + 12, 0, true)
  }
  if (wide) return
  out.setUint32(FIP + 4, 0, true)
  out.setUint32(FDP + 4, 0, true)
}

/**
 * fxrstor and fxrstor64. The memory image is the guest's: `image` must be a copy of it.
 * @returns false, with nothing changed, if MXCSR has a reserved bit set: #GP(0)
 */
export function fxrstor(state: DataView, image: DataView, wide: boolean, xmmRegisters: 8 | 16 = 16): boolean {
  const mxcsr = image.getUint32(FX_MXCSR, true)
  if (!mxcsrValid(mxcsr)) return false
  state.setUint32(FX_MXCSR, mxcsr, true)
  for (let i = ST; i < FX_XMM + 16 * xmmRegisters; i += 4) state.setUint32(i, image.getUint32(i, true), true)
  for (let i = 0; i < 8; i++) {
    state.setUint16(ST + 16 * i + 10, 0, true)
    state.setUint32(ST + 16 * i + 12, 0, true)
  }
  state.setUint8(FTW, image.getUint8(FTW))
  const status = image.getUint16(FSW, true)
  // The slots of the image follow its own TOP, so unlike fldenv this does not move registers.
  state.setUint16(FSW, (fsw(state) & ~TOP_MASK) | (status & TOP_MASK), true)
  setFcw(state, image.getUint16(FCW, true))
  setStatus(state, status)
  const pointer = (at: number): bigint => (wide ? image.getBigUint64(at, true) : BigInt(image.getUint32(at, true)))
  setPointers(state, image.getUint16(FOP, true), pointer(FIP), pointer(FDP))
  return true
}

/** Whether ldmxcsr and fxrstor accept a value. */
export const mxcsrValid = (mxcsr: number): boolean => (mxcsr & ~MXCSR_MASK) === 0
