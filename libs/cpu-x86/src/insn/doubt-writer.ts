import type { Locals } from '../builder/locals.ts'
import type { Code } from '../wasm/code.ts'
import type { Expr, I32, WasmType } from '../wasm/expr.ts'
import type { TestWriter } from './exactness.ts'

/** What a function is emitted with that may leave an operation to the library. */
export class DoubtWriter implements TestWriter {
  readonly code: Code
  readonly #locals: Locals
  /** A label. */
  library = 0

  constructor(code: Code, locals: Locals) {
    this.code = code
    this.#locals = locals
  }

  let<T extends WasmType>(value: Expr<T>): Expr<T> {
    if (value.shape === 'local' || value.shape === 'const') return value
    const local = this.#locals.temporary(value.type)
    this.code.setLocal(local.op, value)
    return local
  }

  /** Leaves it to the library, of which nothing is done yet. */
  leaveIf(condition: I32): void {
    this.code.brIf(this.library, condition, false)
  }
}
