import { CPU } from '../state/layout.ts'
import { constantOf, type Expr } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'

/** A value that is not known: of a register where a block begins (0 to 15), or one that a block has made (from FIRST_OWN on). */
export interface Term {
  readonly of: number
  /** The value is shifted left by so many bits. */
  readonly shift: number
}

/** The sum of some values and a constant, modulo 2^64. */
export interface Linear {
  readonly terms: readonly Term[]
  readonly plus: bigint
}

/** Terms that are the same in all of a region: the page that offsets count from, and the bases of segments. */
export const [PAGE, FS, GS] = [-1, -2, -3] as const
export const FIRST_OWN = 16
/** Addresses have few. */
const MOST_TERMS = 3
const LITTLE = 512n

const local = i64.load(i32.const(0))
const [ADD, SUB, SHL] = [i64.add(local, local).op, i64.sub(local, local).op, i64.shl(local, local).op]

const LOAD8: ReadonlySet<number> = new Set([i64.load8_u(i32.const(0), 0).op, i32.load8_u(i32.const(0), 0).op])
const AND: ReadonlySet<number> = new Set([i64.and(local, local).op, i32.and(i32.const(0), i32.const(0)).op])
const EXTENDS: ReadonlySet<number> = new Set([i64.extend_i32_u(i32.const(0)).op, i32.wrap(local).op])

export const constant = (plus: bigint): Linear => ({ terms: [], plus: BigInt.asIntN(64, plus) })
export const value = (of: number): Linear => ({ terms: [{ of, shift: 0 }], plus: 0n })

const AS_THEY_WERE: readonly Linear[] = Array.from({ length: 16 }, (_, n) => value(n))

/** What the values of one block that addresses are made of are in terms of those that it begins with. */
export class LinearValues {
  readonly #registerOf: (local: number) => number | undefined
  readonly #page: number
  #registers: Linear[] = []
  readonly #temporaries = new Map<number, Linear>()
  #own = FIRST_OWN
  /** Bits of registers that were changed by more than a little, and of those that are surely small now. */
  changed = 0
  small = 0
  readonly #smallTemporaries = new Set<number>()

  /** @param page the local with the address of the page that offsets count from */
  constructor(registerOf: (local: number) => number | undefined, page: number) {
    this.#registerOf = registerOf
    this.#page = page
    this.begin()
  }

  begin(): void {
    this.#own = FIRST_OWN
    this.#registers = [...AS_THEY_WERE]
    this.#temporaries.clear()
    this.changed = 0
    this.small = 0
    this.#smallTemporaries.clear()
  }

  beginInstruction(): void {
    this.#temporaries.clear()
    this.#smallTemporaries.clear()
  }

  get registers(): readonly Linear[] {
    return [...this.#registers]
  }

  bind(local: number, to: Expr): void {
    const linear = this.of(to)
    if (linear) this.#temporaries.set(local, linear)
    else this.#temporaries.delete(local)
    if (this.#isSmall(to)) this.#smallTemporaries.add(local)
    else this.#smallTemporaries.delete(local)
  }

  /** A register is changed; to what nobody knows where `to` is not given, which are all its bits if it is `whole`. */
  assign(register: number, to?: Expr, whole?: boolean): void {
    const isSmall = to !== undefined && this.#isSmall(to)
    this.small = isSmall ? this.small | (1 << register) : this.small & ~(1 << register)
    const linear = (whole && to && this.of(to)) || value(this.#own++)
    const [term, ...more] = linear.terms
    const isNear = term?.of === register && term.shift === 0 && more.length === 0
    if (!isNear || linear.plus > LITTLE || linear.plus < -LITTLE) this.changed |= 1 << register
    this.#registers[register] = linear
  }

  /** Whether it is seen to be below LITTLE, as what a byte is. */
  #isSmall(e: Expr): boolean {
    const [a, b] = e.args
    switch (e.shape) {
      case 'const':
        return BigInt(e.imm) >= 0n && BigInt(e.imm) < LITTLE
      case 'local': {
        const register = this.#registerOf(e.op)
        return register === undefined ? this.#smallTemporaries.has(e.op) : (this.small & (1 << register)) !== 0
      }
      case 'load':
        return LOAD8.has(e.op)
      case 'un':
        return EXTENDS.has(e.op) && this.#isSmall(a)
      case 'bin':
        return AND.has(e.op) && (this.#isSmall(a) || this.#isSmall(b))
      default:
        return false
    }
  }

  /** As one of the whole width; undefined if it is no such sum. */
  of(e: Expr): Linear | undefined {
    if (e.type !== 'i64') return undefined
    switch (e.shape) {
      case 'const':
        return constant(constantOf(e) as bigint)
      case 'local':
        return this.#ofLocal(e.op)
      case 'load':
        return e.imm === CPU.FSBASE ? value(FS) : e.imm === CPU.GSBASE ? value(GS) : undefined
      case 'bin':
        return this.#ofSum(e)
      default:
        return undefined
    }
  }

  #ofLocal(local: number): Linear | undefined {
    if (local === this.#page) return value(PAGE)
    const register = this.#registerOf(local)
    return register === undefined ? this.#temporaries.get(local) : this.#registers[register]
  }

  #ofSum({ op, args }: Expr): Linear | undefined {
    const [a, b] = args.map((arg) => this.of(arg))
    if (!a || !b) return undefined
    if (op === ADD) return sum(a, b)
    if (b.terms.length > 0) return undefined
    if (op === SUB) return sum(a, constant(-b.plus))
    return op === SHL ? shifted(a, Number(b.plus)) : undefined
  }
}

export function sum(a: Linear, b: Linear): Linear | undefined {
  const terms = [...a.terms, ...b.terms]
  return terms.length > MOST_TERMS ? undefined : { terms, plus: BigInt.asIntN(64, a.plus + b.plus) }
}

export function shifted({ terms, plus }: Linear, by: number): Linear {
  return {
    terms: terms.map(({ of, shift }) => ({ of, shift: shift + by })),
    plus: BigInt.asIntN(64, plus << BigInt(by)),
  }
}

/** The same for all sums that differ by a constant. */
export function keyOf({ terms }: Linear): string {
  return terms
    .map(({ of, shift }) => `${of}<<${shift}`)
    .sort()
    .join('+')
}
