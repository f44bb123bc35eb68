/** Addition, subtraction, logic and comparison of general registers and memory (Intel SDM vol. 2: ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST, INC, DEC, NEG, NOT). */
import type { Builder, FlagChange } from '../builder/builder.ts'
import type { Decoded } from '../decode/decoded.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'
import { readSource, update } from './operand.ts'
import type { Definition, Row } from './row.ts'

/** How an operation of two operands computes and leaves its flags. `c` is CF as 0 or 1. */
interface Binary {
  readonly name: string
  readonly usesCarry?: boolean
  /** cmp and test: the first operand is only read. */
  readonly discards?: boolean
  readonly compute: (x: I64, y: I64, c: I64) => I64
  readonly flags: (x: I64, y: I64, r: I64) => FlagChange
  /** The result is zero when both operands are the same register. */
  readonly sameIsZero?: boolean
}

const logic = (_x: I64, _y: I64, r: I64): FlagChange => ({ kind: 'logic', r })
const difference = (x: I64, y: I64, r: I64): FlagChange => ({ kind: 'sub', x, y, r })

/** In the order of their opcodes: number n has opcodes 8n to 8n+5 and 80 to 83 /n. */
const BINARY: readonly Binary[] = [
  { name: 'add', compute: i64.add, flags: (x, y, r) => ({ kind: 'add', x, y, r }) },
  { name: 'or', compute: i64.or, flags: logic },
  {
    name: 'adc',
    usesCarry: true,
    compute: (x, y, c) => i64.add(i64.add(x, y), c),
    flags: (x, y, r) => ({ kind: 'adc', x, y, r }),
  },
  {
    name: 'sbb',
    usesCarry: true,
    compute: (x, y, c) => i64.sub(i64.sub(x, y), c),
    flags: (x, y, r) => ({ kind: 'sbb', x, y, r }),
  },
  { name: 'and', compute: i64.and, flags: logic },
  { name: 'sub', compute: i64.sub, flags: difference, sameIsZero: true },
  { name: 'xor', compute: i64.xor, flags: logic, sameIsZero: true },
  { name: 'cmp', discards: true, compute: i64.sub, flags: difference },
]
const TEST: Binary = { name: 'test', discards: true, compute: i64.and, flags: logic }

function binary(op: Binary): Definition {
  return (b) => {
    if (op.sameIsZero && sameRegister(b.insn)) {
      clear(b)
      return
    }
    const carry = op.usesCarry ? b.let(b.carry()) : i64.const(0)
    const destination = b.open(b.op(0), op.discards ? 'r' : 'rw')
    const y = readSource(b, b.op(1))
    if (op.discards) {
      const x = b.let(b.get(destination))
      b.flags(op.flags(x, y, b.let(b.trunc(op.compute(x, y, carry)))))
      return
    }
    const { x, r } = update(b, destination, (old) => op.compute(old, y, carry))
    b.flags(op.flags(x, y, r))
  }
}

/** xor and sub of a register with itself: zero, whatever it held. Both leave the flags of a logic operation. */
function clear(b: Builder): void {
  b.put(b.open(b.op(0), 'w'), i64.const(0))
  b.flags({ kind: 'logic', r: i64.const(0) })
}

function sameRegister(insn: Decoded): boolean {
  const [x, y] = insn.operands
  return x.kind === 'reg' && y.kind === 'reg' && x.reg === y.reg && x.high === y.high
}

function unary(compute: (x: I64) => I64, flags?: (x: I64, r: I64) => FlagChange): Definition {
  return (b) => {
    const { x, r } = update(b, b.open(b.op(0), 'rw'), compute)
    if (flags) b.flags(flags(x, r))
  }
}

const inc = unary(
  (x) => i64.add(x, i64.const(1)),
  (_x, r) => ({ kind: 'inc', r }),
)
const dec = unary(
  (x) => i64.sub(x, i64.const(1)),
  (_x, r) => ({ kind: 'dec', r }),
)
const not = unary((x) => i64.xor(x, i64.const(-1)))
const neg = unary(
  (x) => i64.sub(i64.const(0), x),
  (x, r) => ({ kind: 'sub', x: i64.const(0), y: x, r }),
)

const LOGICAL: ReadonlySet<string> = new Set(['and', 'or', 'xor', 'test'])

function traits(op: Binary): Pick<Row, 'name' | 'reads' | 'writes' | 'undefines' | 'def'> {
  const flags = LOGICAL.has(op.name) ? { writes: 'oszpc', undefines: 'a' } : { writes: 'oszapc' }
  return { name: op.name, ...flags, ...(op.usesCarry ? { reads: 'c' } : {}), def: binary(op) }
}

function binaryRows(op: Binary, n: number): Row[] {
  const row = {
    ...traits(op),
    map: 0 as const,
    ...(op.sameIsZero ? { variant: (insn: Decoded) => Number(sameRegister(insn)) } : {}),
  }
  const lock = !op.discards
  return [
    { ...row, code: 8 * n, operands: 'Eb Gb', lock },
    { ...row, code: 8 * n + 1, operands: 'Ev Gv', lock },
    { ...row, code: 8 * n + 2, operands: 'Gb Eb' },
    { ...row, code: 8 * n + 3, operands: 'Gv Ev' },
    { ...row, code: 8 * n + 4, operands: 'AL Ib' },
    { ...row, code: 8 * n + 5, operands: 'rAX Iz' },
    { ...row, code: 0x80, ext: n, operands: 'Eb Ib', lock },
    { ...row, code: 0x81, ext: n, operands: 'Ev Iz', lock },
    { ...row, code: 0x82, ext: n, operands: 'Eb Ib', lock, mode: 32 },
    { ...row, code: 0x83, ext: n, operands: 'Ev Ib', lock },
  ]
}

const test = { ...traits(TEST), map: 0 } as const
const testRows: readonly Row[] = [
  { ...test, code: 0x84, operands: 'Eb Gb' },
  { ...test, code: 0x85, operands: 'Ev Gv' },
  { ...test, code: 0xa8, operands: 'AL Ib' },
  { ...test, code: 0xa9, operands: 'rAX Iz' },
  { ...test, code: 0xf6, ext: 0, operands: 'Eb Ib' },
  { ...test, code: 0xf6, ext: 1, operands: 'Eb Ib' },
  { ...test, code: 0xf7, ext: 0, operands: 'Ev Iz' },
  { ...test, code: 0xf7, ext: 1, operands: 'Ev Iz' },
]

const incRow = { name: 'inc', map: 0, writes: 'oszap', def: inc } as const
const decRow = { name: 'dec', map: 0, writes: 'oszap', def: dec } as const
const notRow = { name: 'not', map: 0, lock: true, def: not } as const
const negRow = { name: 'neg', map: 0, lock: true, writes: 'oszapc', def: neg } as const
const unaryRows: readonly Row[] = [
  { ...incRow, code: 0xfe, ext: 0, operands: 'Eb', lock: true },
  { ...incRow, code: 0xff, ext: 0, operands: 'Ev', lock: true },
  { ...incRow, code: 0x40, plusReg: true, operands: 'Zv', mode: 32 },
  { ...decRow, code: 0xfe, ext: 1, operands: 'Eb', lock: true },
  { ...decRow, code: 0xff, ext: 1, operands: 'Ev', lock: true },
  { ...decRow, code: 0x48, plusReg: true, operands: 'Zv', mode: 32 },
  { ...notRow, code: 0xf6, ext: 2, operands: 'Eb' },
  { ...notRow, code: 0xf7, ext: 2, operands: 'Ev' },
  { ...negRow, code: 0xf6, ext: 3, operands: 'Eb' },
  { ...negRow, code: 0xf7, ext: 3, operands: 'Ev' },
]

export const rows: readonly Row[] = [...BINARY.flatMap(binaryRows), ...testRows, ...unaryRows]
