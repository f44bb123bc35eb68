/**
 * rcpps and rsqrtps. Their results are approximations with a relative error of at most 1.5 * 2^-12, which differ from
 * processor to processor; ours are the true values rounded to 13 bits. They touch neither flags nor controls.
 */
import type { Packed, Unpacked } from './format.ts'
import { bitsF32, DEFAULT_NAN, F32, INF, infinity, isNan, packExact, unpackF64, ZERO, zero } from './format.ts'
import { quiet } from './nan.ts'
import type { LaneStep } from './sse-lanes.ts'
import { SINGLE } from './sse-lanes.ts'

const scratch: DataView = new DataView(new ArrayBuffer(8))

/** A positive double rounded to 13 significand bits, zero where binary32 would need a denormal. */
function coarse(sign: number, value: number): Packed {
  scratch.setFloat64(0, value)
  const rounded = (scratch.getBigUint64(0) + (1n << 39n)) & ~((1n << 40n) - 1n)
  const u = unpackF64(rounded)
  return packExact(F32, u.exp < F32.emin ? zero(sign) : { ...u, sign })
}

const magnitude = (a: Unpacked): number => {
  scratch.setUint32(0, bitsF32(packExact(F32, { ...a, sign: 0 })))
  return scratch.getFloat32(0)
}

function reciprocal(a: Unpacked): Packed {
  if (isNan(a)) return packExact(F32, quiet(a))
  if (a.kind === ZERO || a.denormal) return packExact(F32, infinity(a.sign))
  if (a.kind === INF) return packExact(F32, zero(a.sign))
  return coarse(a.sign, 1 / magnitude(a))
}

function reciprocalRoot(a: Unpacked): Packed {
  if (isNan(a)) return packExact(F32, quiet(a))
  if (a.kind === ZERO || a.denormal) return packExact(F32, infinity(a.sign))
  if (a.sign === 1) return packExact(F32, DEFAULT_NAN)
  if (a.kind === INF) return packExact(F32, zero(0))
  return coarse(0, 1 / Math.sqrt(magnitude(a)))
}

const approximate =
  (op: (a: Unpacked) => Packed): LaneStep =>
  (_env, out, view, _dst, src, i) =>
    SINGLE.write(out, i * 4, op(SINGLE.read(view, src + i * 4)))

export const rcp: LaneStep = approximate(reciprocal)
export const rsqrt: LaneStep = approximate(reciprocalRoot)
