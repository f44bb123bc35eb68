/** Instructions that end a program: each raises an exception, most of them at a place or address of interest. */

import { RAX, RCX, RDI, RDX, RSI, RSP } from '../../src/insn/register-numbers.ts'
import { absolute, based, littleEndian } from './encode.ts'
import type { Flow } from './flow.ts'
import { CODE, CODE_BYTES, DATA, DATA_BYTES, READ_ONLY, READ_ONLY_BYTES, STACK } from './layout.ts'
import { impliedRegisters, included, rowOf } from './selection.ts'

const MOV_CONSTANT = rowOf('mov', 'Zv Iv')
const LOAD = rowOf('mov', 'Gv Ev')
const PUSH = rowOf('push', 'Zv')
const POP = rowOf('pop', 'Zv')
const CALL = rowOf('call', 'Jz')
const CALL_INDIRECT = rowOf('call', 'Ev')
const JMP = rowOf('jmp', 'Jz')
const JMP_INDIRECT = rowOf('jmp', 'Ev')
const RET = rowOf('ret', '')
const UD2 = rowOf('ud2', '')
const MOVAPS = [
  rowOf('movaps', 'Vx Wx', 'np'),
  rowOf('movaps', 'Wx Vx', 'np'),
  rowOf('addpd', 'Vx Wx', '66'),
  rowOf('pand', 'Vx Wx', '66'),
]
const CMPXCHG16B = rowOf('cmpxchg16b', 'Mx')
const LDMXCSR = rowOf('ldmxcsr', 'Md', 'np')
const FLDCW = rowOf('fldcw', 'Mn')
const STORE_LONG = rowOf('mov', 'Ev Iz')
const DIVISIONS = ['div', 'idiv'].flatMap((name) => included.filter((row) => row.name === name))
const STRINGS = included.filter((row) => /^(movs|stos|lods|cmps)$/.test(row.name) && row.prefix === 'f3')
const DIRECTION = [rowOf('cld', ''), rowOf('std', '')]
/** Read or write a memory operand, or both. */
const ACCESSES = included.filter(
  (row) =>
    /^(add|adc|xor|cmp|test|inc|neg|mov|movzx|movsxd|cmove|sete|xchg|xadd|cmpxchg|shl|rcl|imul|mul|bsr|movups|movsd|paddb|fld|fstp|push|pop|btr)$/.test(
      row.name,
    ) &&
    row.mod !== 'reg' &&
    /\b[EMWQ][a-z]/.test(row.operands) &&
    !(row.name === 'btr' && row.operands === 'Ev Gv'),
)

/** Not valid in 64-bit mode, or never; each is #UD. */
const INVALID: readonly (readonly number[])[] = [
  [0x06],
  [0x27],
  [0x37],
  [0x60],
  [0xce],
  [0xd4, 0x0a],
  [0xea],
  [0x0f, 0x0b],
  [0x0f, 0xff, 0xc0],
  [0xf0, 0x01, 0xc8],
  [0xf0, 0x90],
  [0xf0, 0x8b, 0x04, 0x24],
  [0xfe, 0xf8],
  [0xff, 0xf8],
  [0x8d, 0xc0],
  [0x0f, 0xc7, 0xc8],
  [0x0f, 0x38, 0xff],
]

export function fault(flow: Flow): void {
  const { random } = flow.writer
  const kinds = [
    access,
    access,
    access,
    access,
    general,
    divide,
    invalid,
    misaligned,
    fetch,
    fetch,
    badStack,
    repeated,
    unmasked,
  ]
  random.pick(kinds)(flow)
}

/** Addresses at which something is missing for some accesses of up to 16 bytes. */
function badAddress({ writer }: Flow): number {
  const { random } = writer
  const places = [
    DATA - random.between(1, 16),
    DATA - random.between(0x11, 0x1000),
    READ_ONLY + READ_ONLY_BYTES - random.below(16),
    READ_ONLY + READ_ONLY_BYTES + random.below(0x1000),
    STACK - random.between(1, 64),
    random.below(0x8000),
    CODE + CODE_BYTES - random.below(16),
    READ_ONLY + random.below(READ_ONLY_BYTES - 16),
    DATA + DATA_BYTES - random.below(16),
  ]
  return random.pick(places)
}

function access(flow: Flow): void {
  const { writer } = flow
  const { random, text } = writer
  const row = random.pick(ACCESSES)
  if (!writer.isFree(...impliedRegisters(row))) return
  text.defineFor(row)
  const size = writer.size(row)
  // A push or pop must not succeed: the stack would no longer be as it was.
  const address = /^p(ush|op)$/.test(row.name) ? DATA - 0x800 : badAddress(flow)
  text.emit(row, {
    size,
    reg: /\bV/.test(row.operands) ? random.below(16) : /\bP/.test(row.operands) ? random.below(8) : writer.register(),
    memory: absolute(address),
    immediate: /Iub$/.test(row.operands) ? [random.between(1, 7)] : writer.immediate(row, size),
    lock: row.lock === true && random.chance(20),
  })
}

/** An address that is not canonical: #GP, or #SS where rsp or rbp is the base. */
function general({ writer }: Flow): void {
  const { text, random } = writer
  const register = random.chance(20) && writer.isFree(5) ? 5 : writer.register()
  const high = random.pick([0x00, 0x80, 0xff, 0x12])
  const value = [...random.bytes(5), random.bits() & 0x7f, high === 0xff ? 0x7f : 0x80, high]
  text.emit(MOV_CONSTANT, { size: 8, rm: register, immediate: value })
  text.emit(LOAD, {
    size: random.pick([2, 4, 8]),
    reg: writer.register(),
    memory: based(register, random.between(-64, 63)),
  })
}

function divide({ writer }: Flow): void {
  const { text, random } = writer
  const row = random.pick(DIVISIONS)
  if (!writer.isFree(RAX, RDX)) return
  const rm = random.pick(writer.free.filter((register) => register !== RAX && register !== RDX))
  if (random.chance(50)) writer.constant(rm, random.chance(70) ? 0 : 1)
  text.emit(row, { size: row.operands === 'Eb' ? 1 : random.pick([2, 4, 8]), rm })
}

function invalid({ writer }: Flow): void {
  const { text, random } = writer
  if (random.chance(70)) text.raw(random.pick(INVALID))
  else if (random.chance(50)) text.emit(UD2, { size: 4 })
  else text.raw([...new Array<number>(random.between(14, 15)).fill(0x66), 0x90]) // The longest instruction, or one too long: #GP.
}

function misaligned({ writer }: Flow): void {
  const { text, random } = writer
  const address = (writer.target(32, false, false) & ~15) + random.between(1, 15)
  if (random.chance(20) && writer.isFree(RAX, RDX)) text.emit(CMPXCHG16B, { size: 8, memory: absolute(address) })
  else text.emit(random.pick(MOVAPS), { size: 4, reg: random.below(16), memory: absolute(address) })
}

/** Control goes where there is no code, or code that reaches out of its page. */
function fetch(flow: Flow): void {
  const { writer } = flow
  const { text, random } = writer
  const target = random.pick([
    DATA + random.below(DATA_BYTES),
    READ_ONLY + 8,
    STACK + 0x100,
    CODE + CODE_BYTES,
    CODE - random.between(1, 3),
    0x1234,
    CODE + CODE_BYTES - random.between(1, 3),
  ])
  // The first bytes of a longer instruction.
  text.bytes.set([0x48, 0xb8, 0x01], CODE_BYTES - 3)
  text.bytes.set([0x0f], CODE_BYTES - 1)
  if (target === CODE + CODE_BYTES - 2) text.bytes.set([0x81, 0xc0], CODE_BYTES - 2)
  const register = writer.register()
  switch (random.below(4)) {
    case 0:
      text.emit(JMP, { size: 8, immediate: littleEndian(target - (text.address + 5), 4) })
      break
    case 1:
      text.emit(CALL, { size: 8, immediate: littleEndian(target - (text.address + 5), 4) })
      break
    case 2:
      writer.constant(register, target)
      text.emit(random.chance(50) ? JMP_INDIRECT : CALL_INDIRECT, { size: 8, rm: register })
      break
    default:
      writer.constant(register, target)
      text.emit(PUSH, { size: 8, rm: register })
      text.emit(RET, { size: 8 })
  }
}

/** A stack pointer at or beyond an end of the stack. */
function badStack({ writer }: Flow): void {
  const { text, random } = writer
  const bottom = random.chance(50)
  writer.constant(RSP, bottom ? STACK + random.between(-4, 7) : random.pick([STACK + 0x2000, STACK + 0x1ffc, 0x1000]))
  if (bottom) text.emit(random.pick([PUSH, CALL]), { size: 8, rm: writer.register(), immediate: [] })
  else text.emit(random.pick([POP, RET]), { size: 8, rm: writer.register() })
}

/** A repetition that runs into the end of memory. */
function repeated(flow: Flow): void {
  const { writer } = flow
  const { text, random } = writer
  if (!writer.isFree(RSI, RDI, RCX, RAX)) return
  const row = random.pick(STRINGS)
  const size = /b/.test(row.operands) ? 1 : random.pick<2 | 4 | 8>([2, 4, 8])
  const backward = random.below(2)
  const edge = backward
    ? DATA + random.below(128)
    : (row.name === 'lods' ? READ_ONLY + READ_ONLY_BYTES : DATA + DATA_BYTES) - random.below(128)
  const inside = DATA + 0x1000 + random.below(0x1000)
  const sourceEnds = row.name === 'lods' || (row.name !== 'stos' && random.chance(50) && backward === 1)
  writer.constant(RSI, sourceEnds ? edge : inside)
  writer.constant(RDI, sourceEnds && row.name !== 'stos' ? inside : edge)
  writer.constant(RCX, random.between(20, 400))
  text.emit(DIRECTION[backward], { size: 4 })
  text.emit(row, { size })
}

/** Floating-point exceptions are no longer masked; whether one comes is the rest's affair. */
function unmasked({ writer }: Flow): void {
  const { text, random } = writer
  const at = writer.target(4, false, false)
  const isX87 = random.chance(40)
  // Invalid and denormal operands stay masked at the x87 (AVOIDED).
  const control = isX87 ? 0x343 | (random.bits() & 0x3c) : (random.bits() & 0x1f80) | (random.below(4) << 13)
  text.emit(STORE_LONG, { size: 4, memory: absolute(at), immediate: littleEndian(control, 4) })
  text.emit(isX87 ? FLDCW : LDMXCSR, { size: 4, memory: absolute(at) })
}
