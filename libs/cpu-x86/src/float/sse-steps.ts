/** What SSE operations do in a lane. */
import { add, type Binary, squareRoot, subtract } from './arithmetic.ts'
import { compare, EQUAL, LESS, type Ordering, UNORDERED } from './compare.ts'
import { convertFormat, fromInteger, roundToIntegral, toInteger } from './convert.ts'
import type { FloatEnvironment } from './environment.ts'
import { PE, ROUND_NEAREST, ROUND_ZERO } from './environment.ts'
import type { Unpacked } from './format.ts'
import { packExact } from './format.ts'
import type { Lane, LaneStep } from './sse-lanes.ts'
import { inexact, type Kernel } from './sse-native.ts'

/** Tries the host's arithmetic. @returns whether `out` has the result */
function native(
  env: FloatEnvironment,
  lane: Lane,
  kernel: Kernel,
  out: DataView,
  at: number,
  view: DataView,
  first: number,
  second: number,
): boolean {
  if (env.rounding !== ROUND_NEAREST) return false
  const result = kernel(lane.readNumber(view, first), lane.readNumber(view, second))
  if (Number.isNaN(result)) return false
  lane.writeNumber(out, at, result)
  if (inexact) env.raise(PE)
  return true
}

export const binary =
  (lane: Lane, op: Binary, kernel: Kernel): LaneStep =>
  (env, out, view, dst, src, i) => {
    const at = i * lane.bytes
    if (native(env, lane, kernel, out, at, view, dst + at, src + at)) return
    const { format } = lane
    lane.write(out, at, op(env, format, format.precision, lane.read(view, dst + at), lane.read(view, src + at)))
  }

/** minps, maxps: one of the operands, unchanged. */
export const select =
  (lane: Lane, op: (env: FloatEnvironment, a: Unpacked, b: Unpacked) => Unpacked): LaneStep =>
  (env, out, view, dst, src, i) => {
    const at = i * lane.bytes
    lane.write(out, at, packExact(lane.format, op(env, lane.read(view, dst + at), lane.read(view, src + at))))
  }

export const root =
  (lane: Lane): LaneStep =>
  (env, out, view, _dst, src, i) => {
    const at = i * lane.bytes
    if (native(env, lane, lane.kernels.root, out, at, view, src + at, src + at)) return
    lane.write(out, at, squareRoot(env, lane.format, lane.format.precision, lane.read(view, src + at)))
  }

/** Which orderings satisfy each predicate of imm8[2:0], as bits 1 << (ordering + 1), and which are signalling. */
const PREDICATES: readonly { readonly holds: number; readonly signalling: boolean }[] = [
  { holds: 0b0010, signalling: false }, // eq
  { holds: 0b0001, signalling: true }, // lt
  { holds: 0b0011, signalling: true }, // le
  { holds: 0b1000, signalling: false }, // unord
  { holds: 0b1101, signalling: false }, // neq
  { holds: 0b1110, signalling: true }, // nlt
  { holds: 0b1100, signalling: true }, // nle
  { holds: 0b0111, signalling: false }, // ord
]

export const compareMask =
  (lane: Lane): LaneStep =>
  (env, out, view, dst, src, i, imm) => {
    const at = i * lane.bytes
    const predicate = PREDICATES[imm & 7]
    if (predicate === undefined) return
    const ordering = compare(env, lane.read(view, dst + at), lane.read(view, src + at), predicate.signalling)
    const mask = ((predicate.holds >> (ordering + 1)) & 1) === 1 ? -1 : 0
    for (let byte = 0; byte < lane.bytes; byte += 4) out.setInt32(at + byte, mask, true)
  }

const CF = 0x01
const PF = 0x04
const ZF = 0x40

/** ZF, PF and CF as comiss, ucomiss, fcomi and fucomi set them. */
export function orderingFlags(ordering: Ordering): number {
  if (ordering === UNORDERED) return ZF | PF | CF
  if (ordering === EQUAL) return ZF
  return ordering === LESS ? CF : 0
}

/** addsubps: subtracts in even lanes, adds in odd ones. */
export const addSubtract = (lane: Lane): LaneStep => {
  const even = binary(lane, subtract, lane.kernels.subtract)
  const odd = binary(lane, add, lane.kernels.add)
  return (env, out, view, dst, src, i, imm) => ((i & 1) === 0 ? even : odd)(env, out, view, dst, src, i, imm)
}

/** haddps and hsubps: pairs of the first operand, then pairs of the second. */
export const horizontal =
  (lane: Lane, op: Binary): LaneStep =>
  (env, out, view, dst, src, i) => {
    const half = 8 / lane.bytes
    const base = (i < half ? dst : src) + (i % half) * 2 * lane.bytes
    const { format } = lane
    const result = op(env, format, format.precision, lane.read(view, base), lane.read(view, base + lane.bytes))
    lane.write(out, i * lane.bytes, result)
  }

export const roundLane =
  (lane: Lane): LaneStep =>
  (env, out, view, _dst, src, i, imm) => {
    const at = i * lane.bytes
    const rounding = (imm & 4) === 0 ? imm & 3 : env.rounding
    lane.write(out, at, roundToIntegral(env, lane.format, lane.read(view, src + at), rounding, (imm & 8) !== 0))
  }

export const reformat =
  (from: Lane, to: Lane): LaneStep =>
  (env, out, view, _dst, src, i) =>
    to.write(out, i * to.bytes, convertFormat(env, to.format, from.read(view, src + i * from.bytes)))

export const fromInt =
  (bits: 32 | 64, to: Lane): LaneStep =>
  (env, out, view, _dst, src, i) => {
    const n = bits === 32 ? BigInt(view.getInt32(src + i * 4, true)) : view.getBigInt64(src + i * 8, true)
    to.write(out, i * to.bytes, fromInteger(env, to.format, n))
  }

export const toInt =
  (from: Lane, bits: 32 | 64, truncate: boolean): LaneStep =>
  (env, out, view, _dst, src, i) => {
    const source = from.read(view, src + i * from.bytes)
    const n = toInteger(env, source, bits, truncate ? ROUND_ZERO : env.rounding)
    if (bits === 32) out.setInt32(i * 4, n === undefined ? -0x80000000 : Number(n), true)
    else out.setBigInt64(i * 8, n === undefined ? -(1n << 63n) : n, true)
  }
