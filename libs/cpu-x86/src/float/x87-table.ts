/** Every x87 instruction, D8 to DF: what a decoder needs of it, and what executes it. */
import { add, type Binary, divide, multiply, subtract } from './arithmetic.ts'
import { F32, F64 } from './format.ts'
import * as arith from './x87-arithmetic.ts'
import * as cmp from './x87-compare.ts'
import * as constants from './x87-constants.ts'
import * as control from './x87-environment.ts'
import * as log from './x87-logarithm.ts'
import { I16, I32, I64, M32, M64, type Source } from './x87-operands.ts'
import type { X87Run } from './x87-step.ts'
import * as transcendental from './x87-transcendental.ts'
import * as move from './x87-transfer.ts'

export type Access = 'r' | 'w' | 'none'

export interface X87Row {
  readonly mnemonic: string
  /** Bytes of the memory operand, with a 32-bit operand size; 0 for register forms. */
  readonly memBytes: number
  /** The same with a 66 prefix; differs for fldenv, fnstenv, fnsave and frstor only. */
  readonly memBytes16: number
  readonly access: Access
  /** Raises a pending #MF before anything else; the control instructions spelled fn... do not. */
  readonly waiting: boolean
  /** Loads and stores of control state: FIP, FDP and FOP are not updated, and flags are not merged. */
  readonly control: boolean
  readonly run: X87Run
}

const row = (mnemonic: string, run: X87Run): X87Row => ({
  mnemonic,
  memBytes: 0,
  memBytes16: 0,
  access: 'none',
  waiting: true,
  control: false,
  run,
})
const reads = (mnemonic: string, bytes: number, run: X87Run): X87Row => ({
  ...row(mnemonic, run),
  memBytes: bytes,
  memBytes16: bytes,
  access: 'r',
})
const writes = (mnemonic: string, bytes: number, run: X87Run): X87Row => ({
  ...reads(mnemonic, bytes, run),
  access: 'w',
})
const controls = (base: X87Row, waiting: boolean, memBytes16: number = base.memBytes): X87Row => ({
  ...base,
  waiting,
  memBytes16,
  control: true,
})

/** The four arithmetic operations by ModRM.reg; 2 and 3 are comparisons. */
const ARITHMETIC: Readonly<Record<number, { readonly name: string; readonly op: Binary; readonly reversed: boolean }>> =
  {
    0: { name: 'add', op: add, reversed: false },
    1: { name: 'mul', op: multiply, reversed: false },
    4: { name: 'sub', op: subtract, reversed: false },
    5: { name: 'subr', op: subtract, reversed: true },
    6: { name: 'div', op: divide, reversed: false },
    7: { name: 'divr', op: divide, reversed: true },
  }

function arithmeticRows(prefix: string, source: Source): X87Row[] {
  return Array.from({ length: 8 }, (_, reg) => {
    const entry = ARITHMETIC[reg]
    const run = entry ? arith.arithmeticMemory(source, entry.op, entry.reversed) : cmp.compareMemory(source, reg - 2)
    return reads(`${prefix}${entry ? entry.name : reg === 2 ? 'com' : 'comp'}`, source.bytes, run)
  })
}

const load = (mnemonic: string, source: Source): X87Row => reads(mnemonic, source.bytes, move.load(source))
const integer = (mnemonic: string, bits: 16 | 32 | 64, truncate: boolean, pops: boolean): X87Row =>
  writes(mnemonic, bits / 8, move.storeInteger(bits, truncate, pops))

const MEMORY: readonly (X87Row | undefined)[] = [
  ...arithmeticRows('f', M32),
  // D9
  load('fld', M32),
  undefined,
  writes('fst', 4, move.store(F32, false)),
  writes('fstp', 4, move.store(F32, true)),
  controls(reads('fldenv', 28, control.fldenv), true, 14),
  controls(reads('fldcw', 2, control.fldcw), true),
  controls(writes('fnstenv', 28, control.fnstenv), false, 14),
  controls(writes('fnstcw', 2, control.fnstcw), false),
  // DA
  ...arithmeticRows('fi', I32),
  // DB
  load('fild', I32),
  integer('fisttp', 32, true, true),
  integer('fist', 32, false, false),
  integer('fistp', 32, false, true),
  undefined,
  reads('fld', 10, move.loadExtended),
  undefined,
  writes('fstp', 10, move.storeExtended),
  // DC
  ...arithmeticRows('f', M64),
  // DD
  load('fld', M64),
  integer('fisttp', 64, true, true),
  writes('fst', 8, move.store(F64, false)),
  writes('fstp', 8, move.store(F64, true)),
  controls(reads('frstor', 108, control.frstor), true, 94),
  undefined,
  controls(writes('fnsave', 108, control.fnsave), false, 94),
  controls(writes('fnstsw', 2, control.fnstsw), false),
  // DE
  ...arithmeticRows('fi', I16),
  // DF
  load('fild', I16),
  integer('fisttp', 16, true, true),
  integer('fist', 16, false, false),
  integer('fistp', 16, false, true),
  reads('fbld', 10, move.load(move.BCD)),
  load('fild', I64),
  writes('fbstp', 10, move.storeDecimal),
  integer('fistp', 64, false, true),
]

const CF = 0x01
const PF = 0x04
const ZF = 0x40

/** Register forms that take any ST(i), by opcode and ModRM.reg. */
const STACK: Readonly<Record<number, readonly (X87Row | undefined)[]>> = {
  216: registerArithmetic(false, false),
  217: [row('fld', move.loadRegister), row('fxch', move.fxch), undefined, row('fstp1', move.storeQuietly)],
  218: [
    row('fcmovb', cmp.fcmov(CF, false)),
    row('fcmove', cmp.fcmov(ZF, false)),
    row('fcmovbe', cmp.fcmov(CF | ZF, false)),
    row('fcmovu', cmp.fcmov(PF, false)),
  ],
  219: [
    row('fcmovnb', cmp.fcmov(CF, true)),
    row('fcmovne', cmp.fcmov(ZF, true)),
    row('fcmovnbe', cmp.fcmov(CF | ZF, true)),
    row('fcmovnu', cmp.fcmov(PF, true)),
    undefined,
    row('fucomi', cmp.compareFlags(false, 0)),
    row('fcomi', cmp.compareFlags(true, 0)),
  ],
  220: registerArithmetic(true, false),
  221: [
    row('ffree', move.ffree(false)),
    row('fxch4', move.fxch),
    row('fst', move.storeRegister(false)),
    row('fstp', move.storeRegister(true)),
    row('fucom', cmp.compareRegister(false, 0)),
    row('fucomp', cmp.compareRegister(false, 1)),
  ],
  222: registerArithmetic(true, true),
  223: [
    row('ffreep', move.ffree(true)),
    row('fxch7', move.fxch),
    row('fstp8', move.storeRegister(true)),
    row('fstp9', move.storeRegister(true)),
    undefined,
    row('fucomip', cmp.compareFlags(false, 1)),
    row('fcomip', cmp.compareFlags(true, 1)),
  ],
}

/** In DC and DE Intel swaps the names of sub and subr, div and divr; the order of operands is the same as in D8. */
function registerArithmetic(toIndex: boolean, pops: boolean): (X87Row | undefined)[] {
  return Array.from({ length: 8 }, (_, reg) => {
    const entry = ARITHMETIC[reg]
    if (entry === undefined) {
      if (pops && reg === 3) return undefined
      return row(reg === 2 && !pops ? 'fcom' : 'fcomp', cmp.compareRegister(true, reg === 2 && !pops ? 0 : 1))
    }
    const name = ARITHMETIC[toIndex && reg >= 4 ? reg ^ 1 : reg]?.name
    return row(`f${name}${pops ? 'p' : ''}`, arith.arithmeticRegister(entry.op, entry.reversed, toIndex, pops))
  })
}

/** Register forms without an operand, by opcode and ModRM byte. */
const SINGLE: ReadonlyMap<number, X87Row> = new Map([
  [0xd9d0, row('fnop', (x) => x.keepC1())],
  [
    0xd9e0,
    row(
      'fchs',
      arith.changeSign((byte) => byte ^ 0x80),
    ),
  ],
  [
    0xd9e1,
    row(
      'fabs',
      arith.changeSign((byte) => byte & 0x7f),
    ),
  ],
  [0xd9e4, row('ftst', cmp.ftst)],
  [0xd9e5, row('fxam', cmp.fxam)],
  [0xd9e8, row('fld1', constants.fld1)],
  [0xd9e9, row('fldl2t', constants.fldl2t)],
  [0xd9ea, row('fldl2e', constants.fldl2e)],
  [0xd9eb, row('fldpi', constants.fldpi)],
  [0xd9ec, row('fldlg2', constants.fldlg2)],
  [0xd9ed, row('fldln2', constants.fldln2)],
  [0xd9ee, row('fldz', constants.fldz)],
  [0xd9f0, row('f2xm1', transcendental.f2xm1)],
  [0xd9f1, row('fyl2x', log.fyl2x)],
  [0xd9f2, row('fptan', transcendental.fptan)],
  [0xd9f3, row('fpatan', log.fpatan)],
  [0xd9f4, row('fxtract', arith.fxtract)],
  [0xd9f5, row('fprem1', arith.remainder(true))],
  [0xd9f6, row('fdecstp', move.stepStack(-1))],
  [0xd9f7, row('fincstp', move.stepStack(1))],
  [0xd9f8, row('fprem', arith.remainder(false))],
  [0xd9f9, row('fyl2xp1', log.fyl2xp1)],
  [0xd9fa, row('fsqrt', arith.fsqrt)],
  [0xd9fb, row('fsincos', transcendental.fsincos)],
  [0xd9fc, row('frndint', arith.frndint)],
  [0xd9fd, row('fscale', arith.fscale)],
  [0xd9fe, row('fsin', transcendental.fsin)],
  [0xd9ff, row('fcos', transcendental.fcos)],
  [0xdae9, row('fucompp', cmp.compareRegister(false, 2))],
  [0xdbe0, controls(row('fneni', control.nothing), false)],
  [0xdbe1, controls(row('fndisi', control.nothing), false)],
  [0xdbe2, controls(row('fnclex', control.fnclex), false)],
  [0xdbe3, controls(row('fninit', control.fninit), false)],
  [0xdbe4, controls(row('fnsetpm', control.nothing), false)],
  [0xded9, row('fcompp', cmp.compareRegister(true, 2))],
  [0xdfe0, controls(row('fnstsw', control.fnstswAx), false)],
])

/** @returns the instruction, or undefined for an encoding that is #UD */
export function x87Row(opcode: number, modrm: number): X87Row | undefined {
  const reg = (modrm >> 3) & 7
  if (modrm < 0xc0) return MEMORY[((opcode & 7) << 3) | reg]
  return SINGLE.get((opcode << 8) | modrm) ?? STACK[opcode]?.[reg]
}

/** Bytes of the memory operand, 0 if there is none. */
export function operandSize(opcode: number, modrm: number, operandSize16: boolean = false): number {
  const found = x87Row(opcode, modrm)
  return found === undefined ? 0 : operandSize16 ? found.memBytes16 : found.memBytes
}
