import { Locals, parameter } from '../../builder/locals.ts'
import { dataEntry } from '../../mmu/data-tlb-code.ts'
import { FIRST_FRAME } from '../../mmu/walk.ts'
import { CPU, TLB } from '../../state/layout.ts'
import { Code, STORE32, STORE64 } from '../../wasm/code.ts'
import { Expr, type I32, type I64 } from '../../wasm/expr.ts'
import type { FunctionBody } from '../../wasm/module.ts'
import { i32, i64 } from '../../wasm/ops.ts'

/** Functions of the module of the entries by index: imports, then its own in this order. */
export const FUNCTION = {
  LOCK: 0,
  UNLOCK: 1,
  FILL: 2,
  REPLACE_L1: 3,
  MMU_UPDATE: 4,
  IRET: 5,
  SYSCALL: 6,
  IRET_INSTRUCTION: 7,
  FX_STATE: 8,
  MMUEXT_OP: 9,
  UPDATE_ROW: 10,
} as const

/** Writes a function (vCPU, ...) -> 1: done, or 0: TypeScript's turn, with nothing changed. */
export class EntryBuilder {
  readonly code: Code = new Code(2048)
  readonly cpu: I32 = parameter('i32', 0)
  readonly #params: readonly ('i32' | 'i64')[]
  readonly #locals: Locals

  /** @param params of the function, after the vCPU */
  constructor(params: readonly ('i32' | 'i64')[] = []) {
    this.#params = ['i32', ...params]
    this.#locals = new Locals(this.#params.length)
  }

  variable<T extends 'i32' | 'i64'>(type: T): Expr<T> {
    return this.#locals.named(type)
  }

  set<T extends 'i32' | 'i64'>(variable: Expr<T>, value: Expr<T>): void {
    this.code.setLocal(variable.op, value)
  }

  /** The value as it is now. */
  let<T extends 'i32' | 'i64'>(value: Expr<T>): Expr<T> {
    const bound = this.variable(value.type)
    this.set(bound, value)
    return bound
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.code.ifElse(condition, then, otherwise)
  }

  failIf(condition: I32): void {
    this.code.if(condition, false)
    this.code.return(i32.const(0))
    this.code.end()
  }

  /** An i32 or a u64 of the vCPU's state. */
  i32(offset: number): I32 {
    return i32.load(this.cpu, offset)
  }

  u64(offset: number): I64 {
    return i64.load(this.cpu, offset)
  }

  gpr(n: number): I64 {
    return this.u64(CPU.GPR + n * 8)
  }

  setI32(offset: number, value: I32): void {
    this.code.store(STORE32, this.cpu, value, offset)
  }

  setU64(offset: number, value: I64): void {
    this.code.store(STORE64[8], this.cpu, value, offset)
  }

  setGpr(n: number, value: I64): void {
    this.setU64(CPU.GPR + n * 8, value)
  }

  /** Host address of a frame by its gmfn, as `frameHost` (mode.ts) has it. */
  frame(gmfn: I32): I32 {
    const number = this.let(gmfn)
    this.failIf(i32.or(i32.le_s(number, i32.const(0)), i32.ge_s(number, this.i32(CPU.NR_GMFNS))))
    const host = this.let(i32.load(i32.add(this.i32(CPU.PHYSMAP), i32.shl(number, i32.const(2)))))
    this.failIf(i32.lt_u(host, i32.const(FIRST_FRAME)))
    return host
  }

  /** Through a data TLB, or `fill`, which looks at the current mode's; 0 where neither has it. `before` comes before `fill`. */
  open(bank: I32, va: I64, size: number, write: boolean, before?: () => void): I32 {
    const entry = this.let(dataEntry(bank, va))
    const host = this.let(i32.add(i32.wrap(va), i32.load(entry, TLB.ADDEND)))
    const page = i64.and(i64.add(va, i64.const(size - 1)), i64.const(-4096))
    this.code.if(i64.ne(page, i64.load(entry, write ? TLB.WRITE_TAG : TLB.READ_TAG)), false)
    before?.()
    const info = i32.const((size << 1) | (write ? 1 : 0))
    this.set(host, new Expr('i32', 'call', FUNCTION.FILL, [this.cpu, va, info]))
    this.code.end()
    return host
  }

  /** The function; its last statement was written. */
  done(name?: string): FunctionBody {
    this.code.return(i32.const(1))
    this.code.end()
    return {
      name,
      signature: { params: this.#params, results: ['i32'] },
      locals: this.#locals.types,
      code: this.code,
    }
  }
}
