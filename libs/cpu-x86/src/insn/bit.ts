/** Bit tests, bit scans and setcc (Intel SDM vol. 2: BT, BTC, BTR, BTS, BSF, BSR, TZCNT, LZCNT, POPCNT, SETcc). */
import type { Builder, Place } from '../builder/builder.ts'
import { AF, CF, PF, SF, ZF } from '../builder/flag-bits.ts'
import type { I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { computedAddress } from './computed-address.ts'
import { CONDITIONS } from './condition.ts'
import { readSource, update } from './operand.ts'
import type { Definition, Row } from './row.ts'

type Change = (old: I64, bit: I64) => I64
const set: Change = (old, bit) => i64.or(old, bit)
const reset: Change = (old, bit) => i64.and(old, i64.xor(bit, i64.const(-1)))
const complement: Change = (old, bit) => i64.xor(old, bit)

/** bt (without a change) and its kin: CF is the bit; ZF is kept by definition, the others by silicon. */
function bitTest(change?: Change): Definition {
  return (b) => {
    const offset = readSource(b, b.op(1))
    const place = bitBase(b, offset, change ? 'rw' : 'r')
    const index = b.let(i64.and(offset, i64.const(8 * b.size - 1)))
    const old = change ? changeBit(b, place, index, change) : b.get(place)
    b.flags({ kind: 'some', mask: CF, rflags: i64.shr_u(old, index) })
  }
}

function changeBit(b: Builder, place: Place, index: I64, change: Change): I64 {
  const bit = b.let(i64.shl(i64.const(1), index))
  return update(b, place, (old) => change(old, bit)).x
}

/** With an offset in a register, memory is a bit string: the unit the bit lies in may be before or after the operand. */
function bitBase(b: Builder, offset: I64, access: 'r' | 'rw'): Place {
  const base = b.op(0)
  if (base.kind !== 'mem' || b.op(1).kind === 'imm') return b.open(base, access)
  const log = Math.log2(b.size)
  const units = i64.shr_s(b.signed(offset), i64.const(log + 3))
  return b.openAt(computedAddress(b, base, i64.shl(units, i64.const(log))), access, b.size, base.stack)
}

const ctz = (x: I64): I64 => i64.and(i64.ctz(x), i64.const(63))
const msb = (x: I64): I64 => i64.and(i64.sub(i64.const(63), i64.clz(x)), i64.const(63))

/** bsf and bsr: a source of zero sets ZF and leaves the whole destination as it was. Silicon (Zen 4): PF is that of the index. */
function scan(indexOf: (x: I64) => I64): Definition {
  return (b) => {
    const x = readSource(b, b.op(1))
    const destination = b.open(b.op(0), 'rw', b.size === 4 ? 8 : b.size)
    const index = b.let(indexOf(x))
    const even = i32.and(i32.xor(i32.popcnt(i32.wrap(index)), i32.const(1)), i32.const(1))
    const parity = i64.shl(i64.extend_i32_u(even), i64.const(2))
    b.flags({ kind: 'bits', rflags: i64.or(zeroFlag(x), parity) })
    b.put(destination, select(i64.eqz(x), b.get(destination), index))
  }
}

/** ZF of a value, in its place. */
const zeroFlag = (x: I64): I64 => i64.shl(i64.extend_i32_u(i64.eqz(x)), i64.const(6))

/** tzcnt and lzcnt: a source of zero counts the operand's width and sets CF. Silicon (Zen 4): OF is kept, SF, AF and PF cleared. */
function count(zeros: (b: Builder, x: I64) => I64): Definition {
  return (b) => {
    const x = readSource(b, b.op(1))
    const r = b.let(zeros(b, x))
    const rflags = i64.or(i64.extend_i32_u(i64.eqz(x)), zeroFlag(r))
    b.flags({ kind: 'some', mask: CF | ZF | SF | AF | PF, rflags })
    b.put(b.open(b.op(0), 'w'), r)
  }
}

/** A one above the operand stops the count of a narrow zero. */
const tzcnt = count((b, x) => i64.ctz(b.size === 8 ? x : i64.or(x, i64.const(1n << BigInt(8 * b.size)))))
const lzcnt = count((b, x) => i64.sub(i64.clz(x), i64.const(64 - 8 * b.size)))

function popcnt(b: Builder): void {
  const x = readSource(b, b.op(1))
  b.flags({ kind: 'bits', rflags: zeroFlag(x) })
  b.put(b.open(b.op(0), 'w'), i64.popcnt(x))
}

function setcc(b: Builder): void {
  const destination = b.open(b.op(0), 'w')
  b.put(destination, i64.extend_i32_u(b.cond(b.insn.row.code & 15)))
}

const bitFlags = { writes: 'c', undefines: 'osap' } as const

function bitTestRows(name: string, ext: number, change?: Change): Row[] {
  const row = { name, map: 1, ...bitFlags, def: bitTest(change), lock: change !== undefined } as const
  return [
    { ...row, code: 0x83 + 8 * ext, operands: 'Ev Gv' },
    { ...row, code: 0xba, ext, operands: 'Ev Iub' },
  ]
}

const setRows = CONDITIONS.map(
  ({ suffix, reads }, code): Row => ({
    name: `set${suffix}`,
    map: 1,
    code: 0x90 + code,
    operands: 'Eb',
    reads,
    def: setcc,
  }),
)

const scanFlags = { map: 1, writes: 'z', undefines: 'osapc', operands: 'Gv Ev' } as const
const countFlags = { map: 1, prefix: 'f3', writes: 'zc', undefines: 'osap', operands: 'Gv Ev' } as const

export const rows: readonly Row[] = [
  ...bitTestRows('bt', 4),
  ...bitTestRows('bts', 5, set),
  ...bitTestRows('btr', 6, reset),
  ...bitTestRows('btc', 7, complement),
  ...setRows,
  { ...scanFlags, name: 'bsf', code: 0xbc, def: scan(ctz) },
  { ...scanFlags, name: 'bsr', code: 0xbd, def: scan(msb) },
  { ...countFlags, name: 'tzcnt', code: 0xbc, feature: 'bmi1', def: tzcnt },
  { ...countFlags, name: 'lzcnt', code: 0xbd, feature: 'abm', def: lzcnt },
  { ...countFlags, name: 'popcnt', code: 0xb8, feature: 'popcnt', writes: 'oszapc', undefines: '', def: popcnt },
]
