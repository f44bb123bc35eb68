import type { Code } from '../wasm/code.ts'
import type { Expr, I32, I64 } from '../wasm/expr.ts'
import { i32 } from '../wasm/ops.ts'
import type { Place } from './builder.ts'
import { FLOAT_TESTS, type FloatLanes, type FloatValue } from './float-tests.ts'

/** An operand of an operation, and its value: bound. */
export interface FloatOperand {
  readonly place: Place
  readonly value: FloatValue
}

/** An operation of which 'exact' can tell. */
export interface ExactOperation {
  readonly operation: number
  readonly x: FloatValue
  readonly y: FloatValue
}

/**
 * A floating-point operation that WebAssembly does just as the processor does it, but in rare cases that can be told by its operands
 * and its result: those are for the float library (float/sse-ops.ts).
 */
export interface Arithmetic {
  /** Its number in the library, and its immediate. */
  readonly operation: number
  readonly imm?: I64
  /** Operands that have to be plain (float-tests.ts), in these lanes. */
  readonly lanes: FloatLanes
  readonly operands: readonly FloatOperand[]
  /** Where the library leaves its result, and where its second operand is; without them in the word RESULT. */
  readonly target?: Place
  readonly source?: Place
  /** A variable with WebAssembly's result, which the library's replaces. */
  readonly result?: Expr
  /** Outside of the usual mode: where that is not among the suspects. */
  readonly unusual?: I32
  /** Not zero in the rare case: anything outside of the usual mode, and what else has to be so. */
  readonly suspects: readonly I32[]
  /** All is well in spite of the suspicion. Only asked in the usual mode. */
  readonly excused?: I32
  /** What it is to the function that tells whether results have been exact so far (insn/exact-so-far.ts). */
  readonly exact?: ExactOperation
  /** The library finds its operand in RESULT: puts it there. */
  prepare?(): void
  /** What else is not as WebAssembly has it, where the library was asked. */
  correct?(): void
  /** Puts the result where it belongs. */
  keep(): void
  /** Lanes of the target that are plain then. */
  readonly plain?: FloatLanes
}

/** What a tier adds. */
export interface ArithmeticTier {
  readonly code: Code
  /** What results in these lanes are compared with: 0 outside of the usual mode. */
  limit(lanes: FloatLanes): I32
  /** The operand is plain for sure, as long as `limit` is not 0. */
  isPlain(place: Place, lanes: FloatLanes): boolean
  /** While nothing but the inexact flag is missing: whether WebAssembly's result is right; the flag is set if it is not exact. */
  isExactSoFar(operation: ExactOperation): I32
  /** Calls the library and takes over its result. */
  exactly(arithmetic: Arithmetic): void
}

/** Emits it, up to `keep`. */
export function emitArithmetic(tier: ArithmeticTier, arithmetic: Arithmetic): void {
  const { code } = tier
  const { lanes, operands, unusual, suspects, excused, exact } = arithmetic
  const tests = FLOAT_TESTS[lanes]
  const trusted = operands.filter(({ place }) => tier.isPlain(place, lanes))
  const checked = operands.filter((operand) => !trusted.includes(operand))
  const asked = trusted.length > 0 && suspects.length === 0 ? [i32.eqz(tier.limit(lanes))] : suspects
  if (checked.length === 0 && asked.length === 0) return
  code.block()
  const well = code.depth
  code.block()
  const rare = code.depth
  if (unusual) code.brIf(rare, unusual, false)
  for (const { value } of checked) {
    // Zeros are frequent: what is hinted to be rare has V8 save all registers first.
    code.if(tests.odd(value))
    code.brIf(rare, tests.bad(value), false)
    code.end()
  }
  for (const suspect of asked) {
    if (!excused) code.brIf(rare, suspect, false)
    else {
      code.if(suspect)
      if (!unusual) code.brIf(rare, i32.eqz(tier.limit(lanes)), false)
      code.brIf(rare, i32.eqz(excused), false)
      code.end()
    }
  }
  code.br(well)
  code.end()
  if (exact) code.brIf(well, tier.isExactSoFar(exact), false)
  tier.exactly(arithmetic)
  code.end()
}
