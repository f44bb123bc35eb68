import type { Row } from './row.ts'
import { rows as x87 } from './x87.ts'

/** Operands in x87, MMX or SSE registers: V W U P Q N of `Row.operands`, which have a size behind them. */
const FPU_OPERAND = /(^| )[VWUPQN][a-z]/
/** Instructions of theirs that name no such operand. */
const OTHERS: ReadonlySet<string> = new Set(['fxsave', 'fxrstor', 'ldmxcsr', 'stmxcsr', 'emms', 'fwait'])
const X87: ReadonlySet<Row> = new Set(x87)

/** Whether CR0.TS makes it raise #NM (SDM vol. 3 2.5). Prefetches, fences and movnti are not concerned. */
export function usesFpu(row: Row): boolean {
  return X87.has(row) || OTHERS.has(row.name) || FPU_OPERAND.test(row.operands)
}
