import { Expr, type WasmType } from '../wasm/expr.ts'

/** The locals of one function: named ones for its whole length, temporaries that are reused from one instruction to the next. */
export class Locals {
  readonly #params: number
  readonly types: WasmType[] = []
  readonly #pools = new Map<WasmType, { readonly locals: Expr[]; used: number }>()

  constructor(params: number) {
    this.#params = params
  }

  named<T extends WasmType>(type: T): Expr<T> {
    this.types.push(type)
    return new Expr(type, 'local', this.#params + this.types.length - 1)
  }

  temporary<T extends WasmType>(type: T): Expr<T> {
    let pool = this.#pools.get(type)
    if (!pool) {
      pool = { locals: [], used: 0 }
      this.#pools.set(type, pool)
    }
    if (pool.used === pool.locals.length) pool.locals.push(this.named(type))
    return pool.locals[pool.used++] as Expr<T>
  }

  /** All temporaries may be used again. */
  release(): void {
    for (const pool of this.#pools.values()) pool.used = 0
  }
}

/** A parameter of the function being written. */
export function parameter<T extends WasmType>(type: T, index: number): Expr<T> {
  return new Expr(type, 'local', index)
}
