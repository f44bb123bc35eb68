/** Names of WebAssembly's instructions as src/wasm/ops.ts has them, found by asking each constructor for what it makes. */
import { Expr, type Shape } from '../../src/wasm/expr.ts'
import * as ops from '../../src/wasm/ops.ts'

export interface Operation {
  readonly group: string
  readonly name: string
  readonly shape: Shape
  /** How many values it takes. */
  readonly takes: number
}

type Constructor = (...args: readonly unknown[]) => unknown

const OPERANDS = [0, 1, 2].map((n) => new Expr('i32', 'local', n))

function found(): Map<number, Operation> {
  const result = new Map<number, Operation>()
  for (const [group, members] of Object.entries(ops)) {
    if (typeof members === 'function') continue
    for (const [name, member] of Object.entries(members)) {
      const make = member as Constructor
      if (name === 'const' || name === 'shuffle') continue
      const made = make(...OPERANDS)
      // What is made of others names none.
      if (!(made instanceof Expr) || made.args.some((arg) => !OPERANDS.includes(arg as Expr<'i32'>))) continue
      if (!result.has(made.op)) result.set(made.op, { group, name, shape: made.shape, takes: made.args.length })
    }
  }
  result.set(0x1b, { group: '', name: 'select', shape: 'select', takes: 3 })
  return result
}

export const OPERATIONS: ReadonlyMap<number, Operation> = found()

export const STORES: ReadonlyMap<number, string> = new Map([
  [0x36, 'i32'],
  [0x37, 'i64'],
  [0x38, 'f32'],
  [0x39, 'f64'],
  [0x3a, 'i8'],
  [0x3b, 'i16'],
  [0x3c, 'i8'],
  [0x3d, 'i16'],
  [0x3e, 'i32'],
  [0xfd000b, 'v128'],
])

/** What is loaded, by the instruction's name. */
export const LOADS: Readonly<Record<string, string>> = {
  load: '',
  load8_s: 'i8',
  load8_u: 'u8',
  load16_s: 'i16',
  load16_u: 'u16',
  load32_s: 'i32',
  load32_u: 'u32',
}

export const ATOMICS: ReadonlyMap<number, { readonly name: string; readonly takes: number }> = new Map([
  [0xfe001e, { name: 'i32.atomic.add', takes: 2 }],
  [0xfe0049, { name: 'i64.atomic.cmpxchg', takes: 3 }],
  [0xfe004c, { name: 'u8.atomic.cmpxchg', takes: 3 }],
  [0xfe004d, { name: 'u16.atomic.cmpxchg', takes: 3 }],
  [0xfe004e, { name: 'u32.atomic.cmpxchg', takes: 3 }],
])

/** Written between their operands; unsigned ones with a u. */
export const INFIX: Readonly<Record<string, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  div_s: '/',
  div_u: '/u',
  rem_s: '%',
  rem_u: '%u',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shr_s: '>>',
  shr_u: '>>>',
  eq: '==',
  ne: '!=',
  lt: '<',
  lt_s: '<',
  lt_u: '<u',
  gt: '>',
  gt_s: '>',
  gt_u: '>u',
  le: '<=',
  le_s: '<=',
  le_u: '<=u',
  ge: '>=',
  ge_s: '>=',
  ge_u: '>=u',
}
