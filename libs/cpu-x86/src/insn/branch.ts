/** Near and far branches (Intel SDM vol. 2: JMP, Jcc, CALL, RET, LOOP, JCXZ). */
import type { Builder, Place } from '../builder/builder.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { CONDITIONS } from './condition.ts'
import { RCX, RSP } from './register-numbers.ts'
import type { Definition, Row } from './row.ts'
import { openSlot, type PointerSize, pushTo, stackPointer } from './stack-slot.ts'

const jump: Definition = (b) => b.jump(b.op(0))

/** #GP(0) at the jump, with nothing changed, if its target is not canonical. Narrower targets always are. */
function checkTarget(b: Builder, target: I64, size: number): void {
  if (size !== 8) return
  const canonical = i64.shr_s(i64.shl(target, i64.const(16)), i64.const(16))
  b.fault(i64.ne(canonical, target), GENERAL_PROTECTION, 0)
}

const jumpIndirect: Definition = (b) => {
  const target = b.let(b.get(b.open(b.op(0), 'r')))
  checkTarget(b, target, b.size)
  b.jumpTo(target)
}

const jumpIf =
  (condition: number): Definition =>
  (b) =>
    b.jumpIf(b.cond(condition), b.op(0))

const call =
  (pointer: PointerSize): Definition =>
  (b) => {
    pushTo(b, pointer, b.nextRip())
    b.jump(b.op(0))
  }

const callIndirect =
  (pointer: PointerSize): Definition =>
  (b) => {
    const target = b.let(b.get(b.open(b.op(0), 'r')))
    const top = b.let(b.trunc(i64.sub(stackPointer(b, pointer), i64.const(b.size)), pointer))
    const slot = openSlot(b, pointer, top, 'w')
    checkTarget(b, target, b.size)
    b.put(slot, b.nextRip())
    b.put(b.gpr(RSP, pointer), top)
    b.jumpTo(target)
  }

const ret =
  (pointer: PointerSize, popsArguments: boolean): Definition =>
  (b) => {
    const sp = stackPointer(b, pointer)
    const target = b.let(b.get(openSlot(b, pointer, sp, 'r')))
    checkTarget(b, target, b.size)
    const above = i64.add(sp, i64.const(b.size))
    b.put(b.gpr(RSP, pointer), popsArguments ? i64.add(above, b.get(b.open(b.op(0), 'r'))) : above)
    b.jumpTo(target)
  }

/** The count register is as wide as an address. */
const counter = (b: Builder): Place => b.gpr(RCX, b.insn.addressSize)

const loop =
  (alsoIf: (b: Builder) => I32): Definition =>
  (b) => {
    const count = counter(b)
    const left = b.let(b.trunc(i64.sub(b.get(count), i64.const(1)), b.insn.addressSize))
    b.put(count, left)
    b.jumpIf(b.let(i32.and(i64.ne(left, i64.const(0)), alsoIf(b))), b.op(0))
  }

const jumpIfCountZero: Definition = (b) => b.jumpIf(b.let(i64.eqz(b.get(counter(b)))), b.op(0))

const farBranch = { ends: true, traps: 'farbranch', def: (b: Builder) => b.trap() } as const

const GENERAL_PROTECTION = 13
const EQUAL = 4
const NOT_EQUAL = 5

const near = { map: 0, force64: true, ends: true } as const
const conditional = { ...near, fallsThrough: true } as const

const rowsFor = (mode: 32 | 64, pointer: PointerSize): readonly Row[] => [
  { ...near, mode, calls: true, name: 'call', code: 0xe8, operands: 'Jz', def: call(pointer) },
  { ...near, mode, calls: true, name: 'call', code: 0xff, ext: 2, operands: 'Ev', def: callIndirect(pointer) },
  { ...near, mode, returns: true, name: 'ret', code: 0xc2, operands: 'Iuw', def: ret(pointer, true) },
  { ...near, mode, returns: true, name: 'ret', code: 0xc3, operands: '', def: ret(pointer, false) },
]

export const rows: readonly Row[] = [
  ...rowsFor(64, 8),
  ...rowsFor(32, 4),
  { ...near, name: 'jmp', code: 0xeb, operands: 'Jb', def: jump },
  { ...near, name: 'jmp', code: 0xe9, operands: 'Jz', def: jump },
  { ...near, name: 'jmp', code: 0xff, ext: 4, operands: 'Ev', def: jumpIndirect },
  ...CONDITIONS.flatMap(({ suffix, reads }, n): Row[] => [
    { ...conditional, name: `j${suffix}`, code: 0x70 + n, operands: 'Jb', reads, def: jumpIf(n) },
    { ...conditional, name: `j${suffix}`, map: 1, code: 0x80 + n, operands: 'Jz', reads, def: jumpIf(n) },
  ]),
  { ...conditional, name: 'loopne', code: 0xe0, operands: 'Jb', reads: 'z', def: loop((b) => b.cond(NOT_EQUAL)) },
  { ...conditional, name: 'loope', code: 0xe1, operands: 'Jb', reads: 'z', def: loop((b) => b.cond(EQUAL)) },
  { ...conditional, name: 'loop', code: 0xe2, operands: 'Jb', def: loop(() => i32.const(1)) },
  { ...conditional, name: 'jrcxz', code: 0xe3, operands: 'Jb', def: jumpIfCountZero },
  { name: 'callf', map: 0, code: 0x9a, mode: 32, operands: 'Iz Iuw', ...farBranch },
  { name: 'jmpf', map: 0, code: 0xea, mode: 32, operands: 'Iz Iuw', ...farBranch },
  { name: 'callf', map: 0, code: 0xff, ext: 3, operands: 'Mn', ...farBranch },
  { name: 'jmpf', map: 0, code: 0xff, ext: 5, operands: 'Mn', ...farBranch },
  { name: 'retf', map: 0, code: 0xca, operands: 'Iuw', ...farBranch },
  { name: 'retf', map: 0, code: 0xcb, operands: '', ...farBranch },
]
