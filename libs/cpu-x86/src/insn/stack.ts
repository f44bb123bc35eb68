/** The stack (Intel SDM vol. 2: PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER, LEAVE). */
import type { Builder, Place } from '../builder/builder.ts'
import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import type { I64 } from '../wasm/expr.ts'
import { i64 } from '../wasm/ops.ts'
import { computedAddress } from './computed-address.ts'
import { RBP, RSP } from './register-numbers.ts'
import type { Definition, Row } from './row.ts'
import { openSlot, type PointerSize, pushTo, stackPointer } from './stack-slot.ts'

/** Definitions that depend on the width of the stack pointer are made for each mode. */
type PerMode = (pointer: PointerSize) => Definition

const push: PerMode = (pointer) => (b) => {
  const source = b.open(b.op(0), 'r', b.size)
  pushTo(b, pointer, b.let(b.get(source)))
}

/** The new RSP is in force when the destination's address is computed, and when it is RSP itself it is overwritten. */
const pop: PerMode = (pointer) => (b) => {
  const size = i64.const(b.size)
  const sp = stackPointer(b, pointer)
  const value = b.let(b.get(openSlot(b, pointer, sp, 'r')))
  const operand = b.op(0)
  const target = usesStackPointer(operand)
    ? b.openAt(computedAddress(b, operand, size), 'w', b.size, operand.stack)
    : b.open(operand, 'w')
  b.put(b.gpr(RSP, pointer), i64.add(sp, size))
  b.put(target, value)
}

const usesStackPointer = (operand: Operand): operand is MemOperand => operand.kind === 'mem' && operand.base === RSP

const popVariant = (insn: Decoded) => Number(usesStackPointer(insn.operands[0]))

const pushAll: PerMode = (pointer) => (b) => {
  const sp = stackPointer(b, pointer)
  const slots: Place[] = []
  for (let n = 1; n <= 8; n++) slots.push(openSlot(b, pointer, i64.sub(sp, i64.const(n * b.size)), 'w'))
  for (const [reg, slot] of slots.entries()) b.put(slot, reg === RSP ? sp : b.get(b.gpr(reg, b.size)))
  b.put(b.gpr(RSP, pointer), i64.sub(sp, i64.const(8 * b.size)))
}

/** The stored RSP is skipped. */
const popAll: PerMode = (pointer) => (b) => {
  const sp = stackPointer(b, pointer)
  const values: I64[] = []
  for (let n = 0; n < 8; n++) values.push(b.let(b.get(openSlot(b, pointer, i64.add(sp, i64.const(n * b.size)), 'r'))))
  for (const [n, value] of values.entries()) if (7 - n !== RSP) b.put(b.gpr(7 - n, b.size), value)
  b.put(b.gpr(RSP, pointer), i64.add(sp, i64.const(8 * b.size)))
}

const TF = 0x100
const DF_SHIFT = 10
const NT = 0x4000
const RF_VM = 0x30000
const AC = 0x40000
const ID = 0x200000

/** RF and VM read as zero; bit 1 as one. */
const pushFlags: PerMode = (pointer) => (b) => {
  const direction = i64.shl(b.state('df'), i64.const(DF_SHIFT))
  const other = i64.or(i64.and(b.state('rflags'), i64.const(~RF_VM)), i64.const(2))
  pushTo(b, pointer, b.let(i64.or(i64.or(b.arithmeticFlags(), direction), other)))
}

/** At CPL 3 and IOPL 0, IF and IOPL stay. Turning TF or AC on or off changes how the code that follows is run: TypeScript does it. */
const popFlags: PerMode = (pointer) => (b) => {
  const size = i64.const(b.size)
  const sp = stackPointer(b, pointer)
  const value = b.let(b.get(openSlot(b, pointer, sp, 'r')))
  const old = b.let(b.state('rflags'))
  const special = i64.const(b.size === 2 ? TF : TF | AC)
  b.if(i64.ne(i64.and(i64.xor(value, old), special), i64.const(0)), () => b.trap())
  const loaded = b.size === 2 ? NT : NT | ID
  b.flags({ kind: 'bits', rflags: value })
  b.setState('df', i64.and(i64.shr_u(value, i64.const(DF_SHIFT)), i64.const(1)))
  b.setState('rflags', i64.or(i64.and(old, i64.const(~loaded)), i64.and(value, i64.const(loaded))))
  b.put(b.gpr(RSP, pointer), i64.add(sp, size))
}

const leave: PerMode = (pointer) => (b) => {
  const frame = b.let(b.get(b.gpr(RBP, pointer)))
  const value = b.let(b.get(openSlot(b, pointer, frame, 'r')))
  b.put(b.gpr(RSP, pointer), i64.add(frame, i64.const(b.size)))
  b.put(b.gpr(RBP, b.size), value)
}

const nestingOf = ({ operands: [, level] }: Decoded) => (level.kind === 'imm' ? Number(level.value) & 31 : 0)

/** The outer frame pointers are read before anything is written, which shows only if the frame at RBP lies in the new one. */
const enter: PerMode = (pointer) => (b) => {
  const nesting = nestingOf(b.insn)
  const sp = stackPointer(b, pointer)
  const rbp = b.let(b.get(b.gpr(RBP, pointer)))
  const below = (from: I64, n: number) => b.let(b.trunc(i64.sub(from, i64.const(n * b.size)), pointer))
  const frame = below(sp, 1)
  // The old frame pointers may lie where the first slots go: each is read after the slots before it were written.
  const pointers: Place[] = []
  for (let n = 1; n < nesting; n++) pointers.push(openSlot(b, pointer, below(rbp, n), 'r'))
  const slots: Place[] = []
  for (let n = 0; n <= nesting; n++) slots.push(openSlot(b, pointer, below(sp, n + 1), 'w'))
  const top = b.let(b.trunc(i64.sub(below(sp, slots.length), b.get(b.open(b.op(0), 'r'))), pointer))
  // The processor tries whether the new top of the stack may be written, but does not write there.
  openSlot(b, pointer, top, 'w')
  // Those bytes may be of the last slot: in the slow step, what was opened last is what stays.
  slots[nesting] = openSlot(b, pointer, below(sp, nesting + 1), 'w')
  b.put(slots[0], rbp)
  for (const [n, place] of pointers.entries()) b.put(slots[n + 1], b.let(b.get(place)))
  if (nesting > 0) b.put(slots[nesting], frame)
  b.put(b.gpr(RBP, b.size), frame)
  b.put(b.gpr(RSP, pointer), top)
}

const segment = { ends: true, traps: 'segment', def: (b: Builder) => b.trap() } as const

const rowsFor = (mode: 32 | 64, pointer: PointerSize): readonly Row[] => {
  const row = { map: 0, mode, default64: true } as const
  return [
    { ...row, name: 'push', code: 0x50, plusReg: true, operands: 'Zv', def: push(pointer) },
    { ...row, name: 'push', code: 0x68, operands: 'Iz', def: push(pointer) },
    { ...row, name: 'push', code: 0x6a, operands: 'Ib', def: push(pointer) },
    { ...row, name: 'push', code: 0xff, ext: 6, operands: 'Ev', def: push(pointer) },
    { ...row, name: 'pop', code: 0x58, plusReg: true, operands: 'Zv', def: pop(pointer) },
    { ...row, name: 'pop', code: 0x8f, ext: 0, operands: 'Ev', variant: popVariant, def: pop(pointer) },
    { ...row, name: 'pushf', code: 0x9c, operands: '', reads: 'oszapcd', rare: true, def: pushFlags(pointer) },
    {
      ...row,
      name: 'popf',
      code: 0x9d,
      operands: '',
      writes: 'oszapcd',
      traps: 'flags',
      rare: true,
      def: popFlags(pointer),
    },
    {
      ...row,
      name: 'enter',
      code: 0xc8,
      operands: 'Iuw Iub',
      rare: true,
      variant: nestingOf,
      def: enter(pointer),
    },
    { ...row, name: 'leave', code: 0xc9, operands: '', def: leave(pointer) },
    { ...row, map: 1, name: 'push', code: 0xa0, operands: '', ...segment },
    { ...row, map: 1, name: 'pop', code: 0xa1, operands: '', ...segment },
    { ...row, map: 1, name: 'push', code: 0xa8, operands: '', ...segment },
    { ...row, map: 1, name: 'pop', code: 0xa9, operands: '', ...segment },
  ]
}

const only32 = { map: 0, mode: 32, operands: '' } as const

export const rows: readonly Row[] = [
  ...rowsFor(64, 8),
  ...rowsFor(32, 4),
  { ...only32, name: 'pusha', code: 0x60, rare: true, def: pushAll(4) },
  { ...only32, name: 'popa', code: 0x61, rare: true, def: popAll(4) },
  ...[0x06, 0x0e, 0x16, 0x1e].map((code): Row => ({ ...only32, name: 'push', code, ...segment })),
  ...[0x07, 0x17, 0x1f].map((code): Row => ({ ...only32, name: 'pop', code, ...segment })),
]
