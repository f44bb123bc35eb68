/** 128-bit quotients from 64-bit operations. */
import type { Builder } from '../builder/builder.ts'
import { high32, low32 } from '../builder/wide-product.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'

export interface Division {
  readonly quotient: I64
  readonly remainder: I64
}

/**
 * high:low / divisor, unsigned, all bound; high < divisor holds (else the quotient would not fit), so divisor is not zero.
 * Long division in two digits of 32 bits (Knuth, The Art of Computer Programming vol. 2, 4.3.1, algorithm D), only
 * where the high half is not zero.
 */
export function divideUnsigned(b: Builder, high: I64, low: I64, divisor: I64): Division {
  const quotient = b.variable('i64')
  const remainder = b.variable('i64')
  b.if(
    i64.eqz(high),
    () => {
      b.set(quotient, i64.div_u(low, divisor))
      b.set(remainder, i64.sub(low, i64.mul(quotient, divisor)))
    },
    () => {
      const shift = b.let(i64.clz(divisor))
      const d = b.let(i64.shl(divisor, shift))
      const d1 = b.let(high32(d))
      const d0 = b.let(low32(d))
      const carried = i64.shr_u(i64.shr_u(low, i64.const(1)), i64.sub(i64.const(63), shift))
      const first = b.let(i64.or(i64.shl(high, shift), carried))
      const rest = b.let(i64.shl(low, shift))
      const upper = digit(b, first, high32(rest), d, d1, d0)
      const lower = digit(b, upper.remainder, low32(rest), d, d1, d0)
      b.set(quotient, i64.or(i64.shl(upper.digit, i64.const(32)), lower.digit))
      b.set(remainder, i64.shr_u(lower.remainder, shift))
    },
  )
  return { quotient, remainder }
}

/** One 32-bit digit of (rest * 2^32 + next) / d, where rest < d and d has its top bit set. */
function digit(b: Builder, rest: I64, next: I64, d: I64, d1: I64, d0: I64): { digit: I64; remainder: I64 } {
  const guess = b.variable('i64')
  const left = b.variable('i64')
  b.set(guess, i64.div_u(rest, d1))
  b.set(left, i64.sub(rest, i64.mul(guess, d1)))
  const base = i64.const(0x100000000)
  const tooBig = (): I32 => {
    const wanted = i64.or(i64.shl(left, i64.const(32)), next)
    return i32.or(i64.ge_u(guess, base), i64.gt_u(i64.mul(guess, d0), wanted))
  }
  // At most two corrections; `left` past 32 bits ends them.
  for (let i = 0; i < 2; i++) {
    const wrong = b.let(i32.and(i64.lt_u(left, base), tooBig()))
    b.set(guess, i64.sub(guess, i64.extend_i32_u(wrong)))
    b.set(left, i64.add(left, select(wrong, d1, i64.const(0))))
  }
  const whole = i64.or(i64.shl(rest, i64.const(32)), next)
  return { digit: b.let(guess), remainder: b.let(i64.sub(whole, i64.mul(guess, d))) }
}
