/** The frame of every SSE floating-point operation: controls from MXCSR, lanes, flags, and the write-back. */
import type { FloatEnvironment as Environment } from './environment.ts'
import { FloatEnvironment, loadMxcsr, PRE_COMPUTATION } from './environment.ts'
import type { FloatFormat, Packed, Unpacked } from './format.ts'
import { bitsF32, bitsF64, F32, F64, unpackF32, unpackF64 } from './format.ts'
import { DOUBLE_KERNELS, type Kernels, SINGLE_KERNELS } from './sse-native.ts'

/** Element type of an XMM register: how one lane is read and written. */
export interface Lane {
  readonly format: FloatFormat
  readonly bytes: number
  read(view: DataView, offset: number): Unpacked
  write(view: DataView, offset: number, p: Packed): void
  readonly kernels: Kernels
  /** The same as host numbers; NaNs must not pass this way, as the host may change their payload. */
  readNumber(view: DataView, offset: number): number
  writeNumber(view: DataView, offset: number, n: number): void
}

export const SINGLE: Lane = {
  format: F32,
  bytes: 4,
  read: (view, offset) => unpackF32(view.getUint32(offset, true)),
  write: (view, offset, p) => view.setUint32(offset, bitsF32(p), true),
  kernels: SINGLE_KERNELS,
  readNumber: (view, offset) => view.getFloat32(offset, true),
  writeNumber: (view, offset, n) => view.setFloat32(offset, n, true),
}

export const DOUBLE: Lane = {
  format: F64,
  bytes: 8,
  read: (view, offset) => unpackF64(view.getBigUint64(offset, true)),
  write: (view, offset, p) => view.setBigUint64(offset, bitsF64(p), true),
  kernels: DOUBLE_KERNELS,
  readNumber: (view, offset) => view.getFloat64(offset, true),
  writeNumber: (view, offset, n) => view.setFloat64(offset, n, true),
}

/**
 * Outcome of an operation in one number, cheap to pass through an imported function:
 * bits 0-15 the new MXCSR; bit 16 set if #XM (vector 19) is due, and then nothing was written;
 * bits 24, 26, 30 the CF, PF and ZF of a (u)comis, all other RFLAGS of which become zero.
 */
export type SseOutcome = number
export const SSE_TRAP = 0x10000
export const SSE_RFLAGS_SHIFT = 24

/**
 * Runs one operation. `dst` and `src` are byte offsets in `view` of the operands: XMM images, or the integer or
 * memory operand. They may overlap. An operation with one operand reads `src` only.
 */
export type SseRun = (view: DataView, dst: number, src: number, mxcsr: number, imm: number) => SseOutcome

/** Computes lane `lane` and writes it to `out`, which holds the result register from offset 0. */
export type LaneStep = (
  env: Environment,
  out: DataView,
  view: DataView,
  dst: number,
  src: number,
  lane: number,
  imm: number,
) => void

const out: DataView = new DataView(new ArrayBuffer(16))
const env: FloatEnvironment = new FloatEnvironment()

/** An operation of `count` lanes whose result is the low `bytes` bytes of the destination. */
export function lanes(count: number, bytes: number, step: LaneStep): SseRun {
  return (view, dst, src, mxcsr, imm) => {
    loadMxcsr(env, mxcsr)
    out.setBigUint64(0, 0n)
    out.setBigUint64(8, 0n)
    let flags = 0
    for (let lane = 0; lane < count; lane++) {
      env.flags = 0
      step(env, out, view, dst, src, lane, imm)
      flags |= env.flags
    }
    const outcome = settle(mxcsr, flags)
    if ((outcome & SSE_TRAP) === 0) writeBack(view, dst, bytes)
    return outcome
  }
}

/** An operation without a destination register. @returns RFLAGS bits in `result` */
export function comparison(result: (env: Environment, view: DataView, dst: number, src: number) => number): SseRun {
  return (view, dst, src, mxcsr) => {
    loadMxcsr(env, mxcsr)
    const rflags = result(env, view, dst, src)
    return settle(mxcsr, env.flags) | (rflags << SSE_RFLAGS_SHIFT)
  }
}

/** Unmasked exceptions found before the computation of any lane hide those found after the computation of all. */
export function settle(mxcsr: number, flags: number): SseOutcome {
  const unmasked = flags & ~(mxcsr >>> 7)
  if (unmasked === 0) return (mxcsr & 0xffff) | flags
  return (mxcsr & 0xffff) | SSE_TRAP | ((unmasked & PRE_COMPUTATION) === 0 ? flags : flags & PRE_COMPUTATION)
}

function writeBack(view: DataView, dst: number, bytes: number): void {
  for (let i = 0; i < bytes; i += 4) view.setUint32(dst + i, out.getUint32(i, true), true)
}
