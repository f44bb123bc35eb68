/** Exchange with comparison or addition (Intel SDM vol. 2: CMPXCHG, CMPXCHG8B/CMPXCHG16B, XADD). xchg is in mov.ts. */
import type { Builder, Place } from '../builder/builder.ts'
import { ZF } from '../builder/flag-bits.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64, i64x2, select } from '../wasm/ops.ts'
import { update } from './operand.ts'
import { RAX, RBX, RCX, RDX } from './register-numbers.ts'
import type { Row } from './row.ts'

/** Exception #GP. */
const GENERAL_PROTECTION = 13

/**
 * Of the destination and the accumulator, one is written and so cleared above 32 bits: a register destination only if they are
 * equal, the accumulator only if they differ.
 */
function cmpxchg(b: Builder): void {
  const isRegister = b.op(0).kind === 'reg'
  const destination = b.open(b.op(0), 'rw', isRegister ? whole(b) : b.size)
  const source = b.let(b.get(b.open(b.op(1), 'r')))
  const accumulator = b.gpr(RAX, whole(b))
  const kept = b.let(b.get(accumulator))
  const wanted = b.let(b.trunc(kept))
  const exchanged = (was: I64): I64 => select(i64.eq(b.trunc(was), wanted), source, was)
  const old = isRegister ? b.let(b.get(destination)) : b.rmw(destination, exchanged, b.insn.lock)
  const found = b.let(b.trunc(old))
  b.flags({ kind: 'sub', x: wanted, y: found, r: b.let(b.trunc(i64.sub(wanted, found))) })
  b.put(accumulator, select(i64.eq(found, wanted), kept, found))
  // After the accumulator, which it may be.
  if (isRegister) b.put(destination, exchanged(old))
}

/** Bytes that a write of the operation's size changes in a register. */
const whole = (b: Builder): 1 | 2 | 8 => (b.size === 4 ? 8 : b.size)

/** The old destination goes to the source first: `xadd rax, rax` leaves the sum. */
function xadd(b: Builder): void {
  const destination = b.open(b.op(0), 'rw')
  const source = b.open(b.op(1), 'rw')
  const y = b.let(b.get(source))
  let x: I64
  if (destination.kind === 'mem') {
    x = update(b, destination, (old) => i64.add(old, y)).x
    b.put(source, x)
  } else {
    x = b.let(b.get(destination))
    b.put(source, x)
    b.put(destination, b.let(i64.add(x, y)))
  }
  b.flags({ kind: 'add', x, y, r: b.let(b.trunc(i64.add(x, y))) })
}

function pair(b: Builder, low: number, high: number): I64 {
  return b.let(i64.or(b.get(b.gpr(low, 4)), i64.shl(b.get(b.gpr(high, 4)), i64.const(32))))
}

function cmpxchg8b(b: Builder): void {
  const destination = b.open(b.op(0), 'rw', 8)
  const wanted = pair(b, RAX, RDX)
  const source = pair(b, RBX, RCX)
  const old = b.rmw(destination, (was) => select(i64.eq(was, wanted), source, was), b.insn.lock)
  const equal = b.let(i64.eq(old, wanted))
  leaveZero(b, equal)
  keepIf(b, equal, RAX, b.let(i64.and(old, i64.const(0xffffffff))))
  keepIf(b, equal, RDX, b.let(i64.shr_u(old, i64.const(32))))
}

/** 16 bytes, aligned. WebAssembly has no 128-bit atomics. */
function cmpxchg16b(b: Builder): void {
  const operand = b.op(0)
  if (operand.kind === 'mem') {
    const misaligned = i64.and(b.address(operand, true), i64.const(15))
    b.fault(i64.ne(misaligned, i64.const(0)), GENERAL_PROTECTION, 0)
  }
  const destination: Place = b.open(operand, 'rw', 16)
  if (b.insn.lock) b.alone()
  const old = b.let(b.get128(destination))
  const low = b.let(i64x2.extract(old, 0))
  const high = b.let(i64x2.extract(old, 1))
  const sameLow = i64.eq(low, b.get(b.gpr(RAX, 8)))
  const equal = b.let(i32.and(sameLow, i64.eq(high, b.get(b.gpr(RDX, 8)))))
  const source = i64x2.replace(i64x2.splat(b.get(b.gpr(RBX, 8))), 1, b.get(b.gpr(RCX, 8)))
  b.put128(destination, select(equal, source, old))
  leaveZero(b, equal)
  keepIf(b, equal, RAX, low)
  keepIf(b, equal, RDX, high)
}

function leaveZero(b: Builder, equal: I32): void {
  b.flags({ kind: 'some', mask: ZF, rflags: i64.shl(i64.extend_i32_u(equal), i64.const(6)) })
}

/** Loads a register with `value` unless the condition holds. */
function keepIf(b: Builder, condition: I32, register: number, value: I64): void {
  const place = b.gpr(register, 8)
  b.put(place, select(condition, b.get(place), value))
}

const arithmetic = { map: 1, lock: true, writes: 'oszapc' } as const
const wide = { map: 1, code: 0xc7, ext: 1, mod: 'mem', lock: true, writes: 'z' } as const

export const rows: readonly Row[] = [
  { ...arithmetic, name: 'cmpxchg', code: 0xb0, operands: 'Eb Gb', def: cmpxchg },
  { ...arithmetic, name: 'cmpxchg', code: 0xb1, operands: 'Ev Gv', def: cmpxchg },
  { ...arithmetic, name: 'xadd', code: 0xc0, operands: 'Eb Gb', def: xadd },
  { ...arithmetic, name: 'xadd', code: 0xc1, operands: 'Ev Gv', def: xadd },
  { ...wide, name: 'cmpxchg8b', w: 0, operands: 'Mq', def: cmpxchg8b },
  { ...wide, name: 'cmpxchg16b', w: 1, operands: 'Mx', feature: 'cx16', def: cmpxchg16b },
]
