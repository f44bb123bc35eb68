import type { FlagChange, PlainChange } from '../builder/builder.ts'
import { truncated } from '../builder/flag-bits.ts'
import { changed, type FlagWords } from '../builder/flag-words.ts'
import { Locals, parameter } from '../builder/locals.ts'
import { plainChange } from '../builder/product-flags.ts'
import { CPU } from '../state/layout.ts'
import { Code, STORE32, STORE64 } from '../wasm/code.ts'
import type { I64 } from '../wasm/expr.ts'
import type { FunctionBody } from '../wasm/module.ts'
import { i32, i64 } from '../wasm/ops.ts'

/**
 * How a region keeps the arithmetic flags in three values p, q and r: as what set them last left its operands. 'words' are the flag
 * words FZ, FS and FC; the others say what p, q and r are.
 */
const KINDS = {
  words: undefined,
  /** r = x + y: p is the sum, q is y. */
  add: ({ p, q }: Operands) => ({ kind: 'add', x: i64.sub(p, q), y: q, r: p }),
  /** x - y: p is the difference, q is y. */
  sub: ({ p, q }: Operands) => ({ kind: 'sub', x: i64.add(p, q), y: q, r: p }),
  /** x - y: p is x, q is y. */
  cmp: ({ p, q }: Operands) => ({ kind: 'sub', x: p, y: q, r: i64.sub(p, q) }),
  /** p is the result. */
  logic: ({ p }: Operands) => ({ kind: 'logic', r: p }),
  /** p is x, q is y, r is the result with the carry. */
  adc: ({ p, q, r }: Operands) => ({ kind: 'adc', x: p, y: q, r }),
  sbb: ({ p, q, r }: Operands) => ({ kind: 'sbb', x: p, y: q, r }),
  /** p is the result, q the carry from before, 0 or 1. */
  inc: ({ p }: Operands) => ({ kind: 'inc', r: p }),
  dec: ({ p }: Operands) => ({ kind: 'dec', r: p }),
  /** p is the upper half of a product. */
  mul: ({ p }: Operands) => ({ kind: 'mul', high: p }),
  /** p and q are factors, sign-extended. */
  imul: ({ p, q }: Operands) => ({ kind: 'imul', x: p, y: q }),
  /** p is shifted by q. */
  shl: ({ p, q }: Operands) => ({ kind: 'shl', x: p, count: q }),
  shr: ({ p, q }: Operands) => ({ kind: 'shr', x: p, count: q }),
  sar: ({ p, q }: Operands) => ({ kind: 'sar', x: p, count: q }),
  /** p and q are the bits of two numbers that were compared. */
  float: ({ p, q }: Operands) => ({ kind: 'float', x: p, y: q }),
} as const satisfies Readonly<Record<string, ((values: Operands) => FlagChange) | undefined>>

export interface Operands {
  readonly p: I64
  readonly q: I64
  readonly r: I64
}

export type FlagKind = keyof typeof KINDS
const NAMES = Object.keys(KINDS) as FlagKind[]

/** Known while a region is emitted. */
export interface FlagState {
  readonly kind: FlagKind
  readonly size: number
}

export const WORDS: FlagState = { kind: 'words', size: 8 }

const WITH_THREE: ReadonlySet<FlagKind> = new Set(['words', 'adc', 'sbb'])
const WITH_ONE: ReadonlySet<FlagKind> = new Set(['logic', 'mul'])

/** How many of p, q and r mean something. */
export function valuesOf(kind: FlagKind): 1 | 2 | 3 {
  return WITH_THREE.has(kind) ? 3 : WITH_ONE.has(kind) ? 1 : 2
}

/** As a number, which FLAG_STATE holds: 0 for words. */
export function flagCode({ kind, size }: FlagState): number {
  const n = NAMES.indexOf(kind)
  return n === 0 ? 0 : (n - 1) * 4 + Math.log2(size) + 1
}

const STATES: readonly FlagState[] = NAMES.slice(1).flatMap((kind) => [1, 2, 4, 8].map((size) => ({ kind, size })))

/** How a change is kept: undefined if as words. @param isCompared nothing else has its result */
export function pending(
  change: FlagChange,
  isCompared: boolean,
  carry: () => I64,
): { readonly kind: FlagKind; readonly p: I64; readonly q?: I64; readonly r?: I64 } | undefined {
  switch (change.kind) {
    case 'add':
      return { kind: 'add', p: change.r, q: change.y }
    case 'sub':
      return isCompared ? { kind: 'cmp', p: change.x, q: change.y } : { kind: 'sub', p: change.r, q: change.y }
    case 'adc':
    case 'sbb':
      return { kind: change.kind, p: change.x, q: change.y, r: change.r }
    case 'float':
      return { kind: 'float', p: change.x, q: change.y }
    case 'mul':
      return { kind: 'mul', p: change.high }
    case 'imul':
      return { kind: 'imul', p: change.x, q: change.y }
    case 'shl':
    case 'shr':
    case 'sar':
      return { kind: change.kind, p: change.x, q: change.count }
    case 'logic':
      return { kind: 'logic', p: change.r }
    case 'inc':
    case 'dec':
      return { kind: change.kind, p: change.r, q: carry() }
    default:
      return undefined
  }
}

/** The change that left these operands. @param bind for values that are used more than once */
export function changeOf({ kind, size }: FlagState, values: Operands, bind: (x: I64) => I64 = same): PlainChange {
  const change = KINDS[kind]
  if (!change) throw new TypeError('flag words are no change')
  const symbolic = plainChange(change(values), size, bind)
  const cut = (x: I64): I64 => (x.shape === 'local' ? x : bind(truncated(x, size)))
  if (symbolic.kind === 'float') return symbolic
  if ('x' in symbolic) return { ...symbolic, x: cut(symbolic.x), y: symbolic.y, r: cut(symbolic.r) }
  return symbolic
}

const same = (x: I64): I64 => x

/** The words of a state. */
export function wordsOf(state: FlagState, values: Operands, bind: (x: I64) => I64): FlagWords {
  const change = changeOf(state, values, bind)
  // What keeps the carry finds it in q.
  const old = { fz: i64.const(1), fs: i64.const(1), fc: i64.shl(values.q, i64.const(63)) }
  return changed(change, state.size, old, bind)
}

/** (vCPU): makes flag words of what FLAG_STATE says is in their place. */
export function settleFunction(): FunctionBody {
  const code = new Code(2048)
  const cpu = parameter('i32', 0)
  const locals = new Locals(1)
  const [p, q, r] = [locals.named('i64'), locals.named('i64'), locals.named('i64')]
  code.setLocal(p.op, i64.load(cpu, CPU.FZ))
  code.setLocal(q.op, i64.load(cpu, CPU.FS))
  code.setLocal(r.op, i64.load(cpu, CPU.FC))
  code.block()
  const done = code.depth
  for (let n = 0; n <= STATES.length; n++) code.block()
  code.expr(i32.load(cpu, CPU.FLAG_STATE))
  code.u8(0x0e)
  code.u32(STATES.length)
  for (let n = 0; n <= STATES.length; n++) code.u32(n)
  code.end()
  code.br(done)
  for (const state of STATES) {
    code.end()
    locals.release()
    const bind = (x: I64): I64 => {
      const local = locals.temporary('i64')
      code.setLocal(local.op, x)
      return local
    }
    const words = wordsOf(state, { p, q, r }, bind)
    code.store(STORE64[8], cpu, words.fz, CPU.FZ)
    code.store(STORE64[8], cpu, words.fs, CPU.FS)
    code.store(STORE64[8], cpu, words.fc, CPU.FC)
    code.br(done)
  }
  code.end()
  code.store(STORE32, cpu, i32.const(0), CPU.FLAG_STATE)
  code.end()
  return { name: 'settle', signature: { params: ['i32'], results: [] }, locals: locals.types, code }
}
