import type { Code } from './code.ts'
import type { I32 } from './expr.ts'

const BR_TABLE = 0x0e

/** Goes to the arm of a number, or on behind all of them where it has none. No arm reaches its end. */
export function branchTable(code: Code, number: I32, arms: readonly (readonly [number, () => void])[]): void {
  // The n-th innermost block ends where the n-th arm begins, the outermost behind the last.
  for (let n = 0; n <= arms.length; n++) code.block()
  code.expr(number)
  code.u8(BR_TABLE)
  const numbers = arms.map(([value]) => value)
  const count = Math.max(...numbers) + 1
  code.u32(count)
  for (let value = 0; value <= count; value++) {
    const n = numbers.indexOf(value)
    code.u32(n < 0 ? arms.length : n)
  }
  for (const [, arm] of arms) {
    code.end()
    arm()
  }
  code.end()
}
