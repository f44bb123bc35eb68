import type { Expr, F32, F64, I32, V128 } from '../wasm/expr.ts'
import { i32 } from '../wasm/ops.ts'
import type { Arithmetic } from './arithmetic.ts'
import type { Builder, Place } from './builder.ts'

/** Vector of #XM, SIMD floating-point exception. */
export const XM = 19

export type LibraryCall = Pick<Arithmetic, 'operation' | 'imm' | 'target' | 'source' | 'result' | 'prepare' | 'correct'>

/**
 * Has the float library do an operation exactly: raises #XM, or the result's variable and MXCSR are what they should be.
 * @param home the bytes of a place in memory
 */
export function callLibrary(
  b: Builder,
  arithmetic: LibraryCall,
  home: (place: Place) => Place = (place) => place,
): void {
  const { operation, imm, result } = arithmetic
  arithmetic.prepare?.()
  const [target, source] = [arithmetic.target, arithmetic.source].map((place) => place && home(place))
  const address = (place?: Place): I32 => (place ? b.hostAddress(place) : i32.const(0))
  const id = i32.const(operation)
  const what = imm === undefined ? id : i32.or(i32.shl(i32.wrap(imm), i32.const(8)), id)
  b.fault(b.helper('sse', what, address(target), address(source)), XM)
  if (result) b.set(result, outcome(b, result, target))
  arithmetic.correct?.()
}

function outcome(b: Builder, { type }: Expr, target: Place | undefined): Expr {
  if (!target) return b.state('result')
  switch (type) {
    case 'f64':
      return b.double(target) satisfies F64
    case 'f32':
      return b.single(target) satisfies F32
    case 'v128':
      return b.get128(target) satisfies V128
    default:
      return b.get(target)
  }
}
