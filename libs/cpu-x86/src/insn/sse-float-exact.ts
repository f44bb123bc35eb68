/**
 * When WebAssembly's arithmetic gives exactly what the processor gives, flags in MXCSR included. In the usual mode (`isUsual`) rounding
 * agrees and the inexact flag is set already, so that only five things remain to look for: NaN, infinite, zero or denormal results
 * (WebAssembly's NaN is not x86's; the others may come with overflow, underflow, divide-by-zero or invalid) and denormal operands,
 * which set DE. Everything else goes through the 'sse' helper.
 */
import type { Builder, Place } from '../builder/builder.ts'
import type { I32, I64, V128 } from '../wasm/expr.ts'
import { i32, i32x4, i64, i64x2, v128 } from '../wasm/ops.ts'
import { XM } from './sse-helper.ts'
import { sseOpId } from './sse-op-ids.ts'
import { lanes } from './sse-operands.ts'

/** Bits of a value of type F as an integer, and what they say. */
export interface ScalarTests<I> {
  /** Neither zero nor normal, infinite or NaN. */
  isDenormal(bits: I): I32
  isZero(bits: I): I32
  /** Above the smallest normal number, which may be the rounded result of an underflow, and finite. */
  isNormal(bits: I): I32
  /** Neither infinite nor NaN. */
  isFinite(bits: I): I32
}

export const singleTests: ScalarTests<I32> = {
  isDenormal: (v) => i32.lt_u(i32.sub(i32.shl(v, i32.const(1)), i32.const(1)), i32.const(0x00ffffff)),
  isZero: (v) => i32.eqz(i32.shl(v, i32.const(1))),
  isNormal: (v) => i32.lt_u(i32.sub(i32.shl(v, i32.const(1)), i32.const(0x01000001)), i32.const(0xfdffffff)),
  isFinite: (v) => i32.lt_u(i32.shl(v, i32.const(1)), i32.const(0xff000000)),
}

export const doubleTests: ScalarTests<I64> = {
  isDenormal: (v) => i64.lt_u(i64.sub(i64.shl(v, i64.const(1)), i64.const(1)), i64.const(0x001fffffffffffffn)),
  isZero: (v) => i64.eqz(i64.shl(v, i64.const(1))),
  isNormal: (v) =>
    i64.lt_u(i64.sub(i64.shl(v, i64.const(1)), i64.const(0x0020000000000001n)), i64.const(0xffbfffffffffffffn)),
  isFinite: (v) => i64.lt_u(i64.shl(v, i64.const(1)), i64.const(0xffe0000000000000n)),
}

/** The same for all lanes of a vector: a lane of ones where the property holds. */
export interface VectorTests {
  readonly bits: 32 | 64
  denormal(v: V128): V128
  zero(v: V128): V128
  /** Not normal as in `ScalarTests`: zero, denormal, the smallest normal number, infinite or NaN. */
  abnormal(v: V128): V128
  /** Infinite or NaN. */
  notFinite(v: V128): V128
}

/** Comparisons are signed: adding half the range first turns unsigned order into signed order. */
function vectorTests(bits: 32 | 64, fraction: bigint): VectorTests {
  const ops = bits === 32 ? i32x4 : i64x2
  const half = 1n << BigInt(bits - 1)
  const infinity = half - (1n << fraction)
  const smallest = 1n << fraction
  const magnitude = (v: V128): V128 => v128.and(v, lanes(bits, half - 1n))
  return {
    bits,
    denormal: (v) => ops.gt_s(lanes(bits, half + smallest - 1n), ops.add(magnitude(v), lanes(bits, half - 1n))),
    zero: (v) => ops.eq(magnitude(v), lanes(bits, 0)),
    abnormal: (v) =>
      ops.gt_s(ops.add(magnitude(v), lanes(bits, half - smallest - 1n)), lanes(bits, half + infinity - smallest - 2n)),
    notFinite: (v) => ops.gt_s(magnitude(v), lanes(bits, infinity - 1n)),
  }
}

export const singlesTests: VectorTests = vectorTests(32, 23n)
export const doublesTests: VectorTests = vectorTests(64, 52n)

/** MXCSR: to nearest, neither FTZ nor DAZ, everything masked, inexact set. */
export function isUsual(b: Builder): I32 {
  return i64.eq(i64.and(b.state('mxcsr'), i64.const(0xffe0)), i64.const(0x1fa0))
}

/**
 * The operation in TypeScript, in an arm of its own: raises #XM or has written the target and MXCSR. Without a target or source the
 * word 'result' takes its place.
 */
export function slowly(b: Builder, name: string, target?: Place, source?: Place, imm?: I64): void {
  const id = i32.const(sseOpId(name))
  const operation = imm === undefined ? id : i32.or(i32.shl(i32.wrap(imm), i32.const(8)), id)
  const address = (place?: Place): I32 => (place === undefined ? i32.const(0) : b.hostAddress(place))
  b.fault(b.helper('sse', operation, address(target), address(source)), XM)
}

/** No bit is set. */
export function none(v: V128): I32 {
  return i32.eqz(v128.anyTrue(v))
}
