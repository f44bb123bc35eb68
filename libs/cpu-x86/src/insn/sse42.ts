/** SSE4.2: string comparison (by TypeScript) and crc32. */
import type { Builder } from '../builder/builder.ts'
import type { I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import type { Definition, Row } from './row.ts'
import { STRING_EXPLICIT, STRING_IMPLICIT } from './sse-helper.ts'
import { immediate } from './sse-operands.ts'

/** A length in rax or rdx: its magnitude, at most 16. */
function lengthIn(b: Builder, register: number): I64 {
  const n = b.let(b.getSigned(b.gpr(register, b.size === 8 ? 8 : 4)))
  const magnitude = b.let(select(i64.lt_s(n, i64.const(0)), i64.sub(i64.const(0), n), n))
  return select(i64.lt_u(magnitude, i64.const(16)), magnitude, i64.const(16))
}

const compareStrings =
  (isExplicit: boolean, isIndex: boolean): Definition =>
  (b) => {
    const source = b.open(b.op(1), 'r')
    const first = b.open(b.op(0), 'r')
    if (isExplicit) b.setState('result', i64.or(lengthIn(b, 0), i64.shl(lengthIn(b, 2), i64.const(8))))
    const kind = (isExplicit ? STRING_EXPLICIT : STRING_IMPLICIT) | (isIndex ? 1 : 0)
    const operation = i32.or(i32.shl(i32.wrap(immediate(b, b.op(2))), i32.const(8)), i32.const(kind))
    b.helper('sse', operation, b.hostAddress(first), b.hostAddress(source))
    const result = b.state('result')
    if (isIndex) b.put(b.gpr(1, 4), i64.shr_u(result, i64.const(32)))
    b.flags({ kind: 'bits', rflags: b.trunc(result, 4) })
  }

/** The polynomial of CRC-32C, bits reversed. */
const POLYNOMIAL = 0x82f63b78

function crc32(b: Builder): void {
  const source = b.open(b.op(1), 'r')
  const target = b.open(b.op(0), 'rw')
  const crc = b.variable('i64')
  const rest = b.variable('i64')
  const left = b.variable('i32')
  b.set(rest, b.get(source))
  b.set(crc, b.trunc(b.get(target), 4))
  b.set(left, i32.const(source.size))
  b.loopWhile(() => {
    b.set(crc, i64.xor(crc, i64.and(rest, i64.const(0xff))))
    for (let bit = 0; bit < 8; bit++) {
      const wanted = i64.sub(i64.const(0), i64.and(crc, i64.const(1)))
      b.set(crc, i64.xor(i64.shr_u(crc, i64.const(1)), i64.and(wanted, i64.const(POLYNOMIAL))))
    }
    b.set(rest, i64.shr_u(rest, i64.const(8)))
    b.set(left, i32.sub(left, i32.const(1)))
    return left
  })
  b.put(target, crc)
}

const STRING = { map: 3, prefix: '66', operands: 'Vx Wx Iub', feature: 'sse4_2', rare: true, writes: 'oszapc' } as const
const CRC = { name: 'crc32', map: 2, prefix: 'f2', feature: 'sse4_2', rare: true, def: crc32 } as const

export const rows: readonly Row[] = [
  { ...STRING, name: 'pcmpestrm', code: 0x60, def: compareStrings(true, false) },
  { ...STRING, name: 'pcmpestri', code: 0x61, def: compareStrings(true, true) },
  { ...STRING, name: 'pcmpistrm', code: 0x62, def: compareStrings(false, false) },
  { ...STRING, name: 'pcmpistri', code: 0x63, def: compareStrings(false, true) },
  { ...CRC, code: 0xf0, operands: 'Gy Eb' },
  { ...CRC, code: 0xf1, operands: 'Gy Ev' },
]
