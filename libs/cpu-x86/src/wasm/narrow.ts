import { Expr, type I32, type I64 } from './expr.ts'
import { i32, i64 } from './ops.ts'

/** Operations of which the low half of the result is made of the low halves of the operands. */
const LOW: ReadonlyMap<number, (a: I32, b: I32) => I32> = new Map([
  [0x7c, i32.add],
  [0x7d, i32.sub],
  [0x7e, i32.mul],
  [0x83, i32.and],
  [0x84, i32.or],
  [0x85, i32.xor],
])
const [SHL, SHR_U] = [0x86, 0x88]
const [EXTEND_S, EXTEND_U] = [0xac, 0xad]
const LOAD32: ReadonlySet<number> = new Set([0x34, 0x35])

/** Whether the high half of a local is zero. */
export type IsNarrow = (local: Expr) => boolean

/**
 * The low half of a value, computed in 32 bits as far as that can be seen: x86-64 makes the high half zero for nothing then, and V8 knows.
 */
export function low32(value: Expr, isNarrow: IsNarrow): I32 {
  const { op, args, shape } = value
  if (shape === 'bin') {
    const [a, b] = args
    const low = LOW.get(op)
    if (low) return low(low32(a, isNarrow), low32(b, isNarrow))
    const count = shiftBelow32(b)
    if (count !== undefined && op === SHL) return i32.shl(low32(a, isNarrow), count)
    if (count !== undefined && op === SHR_U && hasZeroHigh(a, isNarrow)) return i32.shr_u(low32(a, isNarrow), count)
  }
  if (shape === 'un' && (op === EXTEND_S || op === EXTEND_U)) return args[0] as I32
  if (shape === 'load' && LOAD32.has(op)) return new Expr('i32', 'load', 0x28, args, value.imm)
  return i32.wrap(value as I64)
}

/** Whether the high half of a value is seen to be zero. */
export function hasZeroHigh(value: Expr, isNarrow: IsNarrow): boolean {
  switch (value.shape) {
    case 'local':
      return isNarrow(value)
    case 'un':
      return value.op === EXTEND_U
    case 'load':
      return value.op === 0x35 || value.op === 0x31 || value.op === 0x33
    case 'const':
      return BigInt(value.imm) >= 0n && BigInt(value.imm) <= 0xffffffffn
    default:
      return false
  }
}

function shiftBelow32(count: Expr): I32 | undefined {
  if (count.shape !== 'const') return undefined
  const n = Number(count.imm)
  return n >= 0 && n < 32 ? i32.const(n) : undefined
}

/** A value with its high half zero. */
export function zeroHigh(value: I64, isNarrow: IsNarrow): I64 {
  return hasZeroHigh(value, isNarrow) ? value : i64.extend_i32_u(low32(value, isNarrow))
}
