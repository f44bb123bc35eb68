/** What a row is recorded in: every mode, operand size, kind of operand, and prefix that makes a difference. */
import { parseOperands } from '../../src/decode/operand-spec.ts'
import type { Row } from '../../src/insn/row.ts'
import { keyOf } from './families.ts'

export type Prefix = '' | 'fs' | 'gs' | 'a' | 'lock'

export interface Variant {
  /** Of the row, mode and the rest: the seed of its cases. */
  readonly name: string
  readonly row: Row
  readonly mode: 32 | 64
  /** Operand size asked for by 66 and REX.W; 0 where neither matters. */
  readonly size: 0 | 2 | 4 | 8
  readonly kind: 'reg' | 'mem' | 'none'
  /** Segment override, 67 or LOCK. */
  readonly prefix: Prefix
}

const X87_BY_SIZE: ReadonlySet<string> = new Set(['fldenv', 'fnstenv', 'fnsave', 'frstor'])
/** Counted by rcx or ecx, or with an address in rdi, without an operand that says so. */
const ADDRESSED: RegExp = /^(loop|j[er]?cxz|maskmov)/

export const isX87 = ({ map, code }: Row): boolean => map === 0 && code >= 0xd8 && code <= 0xdf

function sizes(row: Row, mode: 32 | 64): readonly Variant['size'][] {
  const spec = parseOperands(row.operands)
  if (isX87(row)) return X87_BY_SIZE.has(row.name) ? [2, 4] : [0]
  // REX.W is for the width of FIP and FDP.
  if (/^fx(save|rstor)$/.test(row.name)) return mode === 64 ? [4, 8] : [0]
  if (row.w !== undefined && !spec.usesOperandSize) return [0]
  if (row.force64) return [0]
  const wide = mode === 64 ? ([8] as const) : []
  if (/[A-Z]y/.test(row.operands)) {
    const narrow = row.prefix !== '66' && row.prefix !== 'np' && spec.usesOperandSize ? ([2] as const) : []
    return [...narrow, 4, ...wide]
  }
  if (spec.isByte) return [0]
  const sized = spec.usesOperandSize || row.default64 === true || (row.operands === '' && row.prefix === undefined)
  if (!sized) return [0]
  if (row.prefix === 'np') return [4, ...wide]
  if (row.prefix === '66') return [2, ...wide]
  if (row.default64 && mode === 64) return [2, 8]
  return [2, 4, ...wide]
}

function kinds(row: Row): readonly Variant['kind'][] {
  const { operands } = row
  if (isX87(row)) return [row.mod === 'mem' ? 'mem' : 'none']
  if (/(^| )[MXBO][a-z]/.test(operands)) return ['mem']
  if (/(^| )[EWQ][a-z]/.test(operands)) return row.mod ? [row.mod] : ['reg', 'mem']
  if (/(^| )[RUNGVPZ][a-z]/.test(operands)) return ['reg']
  return ['none']
}

function prefixes(row: Row, kind: Variant['kind'], mode: 32 | 64): readonly Prefix[] {
  const isString = /(^| )Y/.test(row.operands)
  if (ADDRESSED.test(row.name)) return row.name.startsWith('maskmov') ? ['', 'fs', 'gs', 'a'] : ['', 'a']
  if (kind !== 'mem') return isString ? ['', 'a'] : ['']
  const isMoffs = /(^| )O/.test(row.operands)
  const others: Prefix[] = isMoffs && mode === 32 ? ['fs', 'gs'] : ['fs', 'gs', 'a']
  return ['', ...others, ...(row.lock ? (['lock'] as const) : [])]
}

export function variantsOf(row: Row): readonly Variant[] {
  const key = keyOf(row)
  const modes = row.mode !== undefined ? [row.mode] : row.w === 1 ? ([64] as const) : ([64, 32] as const)
  return modes.flatMap((mode) =>
    sizes(row, mode).flatMap((size) =>
      kinds(row).flatMap((kind) =>
        prefixes(row, kind, mode).map((prefix): Variant => {
          const parts = [key, String(mode), ...(size ? [`o${8 * size}`] : []), ...(kind === 'none' ? [] : [kind])]
          return { name: [...parts, ...(prefix ? [prefix] : [])].join(' | '), row, mode, size, kind, prefix }
        }),
      ),
    ),
  )
}
