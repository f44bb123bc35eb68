import { type Arithmetic, type ArithmeticTier, emitArithmetic } from '../builder/arithmetic.ts'
import type { HelperIndex } from '../builder/body.ts'
import type { Place, StateWord } from '../builder/builder.ts'
import { FLOAT_TESTS, type FloatLanes, isUsual } from '../builder/float-tests.ts'
import { callLibrary } from '../builder/library-call.ts'
import type { Locals } from '../builder/locals.ts'
import { CPU } from '../state/layout.ts'
import type { Code } from '../wasm/code.ts'
import type { F32, F64, I32, I64, V128 } from '../wasm/expr.ts'
import { f32x4, f64x2, i32, select } from '../wasm/ops.ts'
import type { FlagLocals } from './symbolic-flags.ts'
import { VectorRegisters } from './vector-registers.ts'
import { also, PLAIN } from './vector-state.ts'

/**
 * Arithmetic of a region. That operands are plain (builder/float-tests.ts) is known of what was computed or checked before: across blocks,
 * and from the region's entry on, where it is checked (vector-flow.ts). All of that may be wrong while the limits are 0; then every
 * operation asks the library.
 */
export abstract class VectorArithmetic extends VectorRegisters {
  readonly #locals: Locals
  readonly #limits = new Map<FloatLanes, I32>()

  constructor(code: Code, locals: Locals, cpu: I32, helpers: HelperIndex, flags: FlagLocals, settle: number) {
    super(code, locals, cpu, helpers, flags, settle)
    this.#locals = locals
  }

  /** Leaves the region for the next instruction, once this one is retired; what is emitted here is on a way of its own. */
  protected abstract outBehind(finish: () => void): void

  /** A local that is set at the region's entry: it holds as long as MXCSR is only changed by the library or `setState`. */
  override limit(lanes: FloatLanes): I32 {
    let limit = this.#limits.get(lanes)
    if (!limit) {
      limit = this.#locals.named('i32')
      this.#limits.set(lanes, limit)
    }
    return limit
  }

  /** What is taken for plain need not be so where the limits are 0, so they stay so once they are. */
  override setState(word: StateWord, value: I64): void {
    super.setState(word, value)
    if (word !== 'mxcsr') return
    const usual = this.let(isUsual(i32.wrap(value)))
    // Those too that are first used further on.
    for (const lanes of Object.keys(FLOAT_TESTS) as FloatLanes[]) {
      const limit = this.limit(lanes)
      this.code.setLocal(limit.op, select(usual, limit, i32.const(0)))
    }
  }

  override arithmetic(arithmetic: Arithmetic): void {
    emitArithmetic(this.arithmeticTier(), arithmetic)
    // What was not plain has been left with, behind the instruction.
    const bits = PLAIN[arithmetic.lanes]
    for (const { place } of arithmetic.operands) this.#vouch(place, bits)
    arithmetic.keep()
    if (arithmetic.plain && arithmetic.target) this.#vouch(arithmetic.target, PLAIN[arithmetic.plain])
  }

  protected override arithmeticTier(): ArithmeticTier {
    return {
      ...super.arithmeticTier(),
      isPlain: (place, lanes) => this.#isPlain(place, PLAIN[lanes]),
      exactly: (arithmetic) => this.#exactly(arithmetic),
    }
  }

  #isPlain(place: Place, bits: number): boolean {
    const reg = this.registerOf(place)
    if (reg === undefined) return false
    const { from, and, or } = this.plain[reg]
    const missing = bits & ~or
    if (missing === 0) return true
    if (from >= 0 && (missing & ~and) === 0) this.wanted[from] |= missing
    return false
  }

  #vouch(place: Place, bits: number): void {
    const reg = this.registerOf(place)
    if (reg !== undefined) this.plain[reg] = also(this.plain[reg], bits)
  }

  /**
   * In the usual mode the region is left behind the instruction: something is not plain, or the limits can be set now. In other modes the
   * limits are 0, and nothing is done without the library.
   */
  #exactly(arithmetic: Arithmetic): void {
    callLibrary(this, arithmetic, (place) => this.home(place))
    this.code.if(isUsual(i32.load(this.cpu, CPU.MXCSR)))
    this.outBehind(() => arithmetic.keep())
    this.code.end()
  }

  /**
   * Emits what the region begins with: its registers from the vCPU's state, and limits if all is plain that has to be.
   * @param isFirst whether it is entered where that has to be; it is always if absent
   */
  enterVectors(code: Code, plain: readonly number[], isFirst?: I32): void {
    this.loadVectors(code)
    if (this.#limits.size === 0) return
    for (const [lanes, limit] of this.#limits)
      code.setLocal(
        limit.op,
        select(isUsual(i32.load(this.cpu, CPU.MXCSR)), i32.const(FLOAT_TESTS[lanes].limit), i32.const(0)),
      )
    if (plain.every((bits) => bits === 0)) return
    if (isFirst) code.if(isFirst)
    for (const [reg, bits] of plain.entries()) if (bits !== 0) this.#enterPlain(code, reg, bits)
    if (isFirst) code.end()
  }

  #enterPlain(code: Code, reg: number, bits: number): void {
    const { whole } = this.localsOf(reg)
    const check = (lanes: FloatLanes, value: F32 | F64 | V128): void => {
      code.if(FLOAT_TESTS[lanes].odd(value), false)
      code.if(FLOAT_TESTS[lanes].bad(value))
      for (const limit of this.#limits.values()) code.setLocal(limit.op, i32.const(0))
      code.end()
      code.end()
    }
    if (bits & PLAIN.pd & ~PLAIN.sd) check('pd', whole)
    else if (bits & PLAIN.sd) check('sd', f64x2.extract(whole, 0))
    if (bits & PLAIN.ps & ~PLAIN.ss) check('ps', whole)
    else if (bits & PLAIN.ss) check('ss', f32x4.extract(whole, 0))
  }
}
