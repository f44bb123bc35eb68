import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import { type Code, STORE_V128, STORE32, STORE64 } from '../wasm/code.ts'
import { constantOf, Expr, type F32, type F64, type I32, type I64, type V128, type WasmType } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i32, i64, select, v128 } from '../wasm/ops.ts'
import { type Arithmetic, type ArithmeticTier, emitArithmetic } from './arithmetic.ts'
import { atomicAdd, atomicCompareExchange } from './atomic.ts'
import {
  type Access,
  type Builder,
  type ConditionCode,
  type FlagChange,
  type Helper,
  type Place,
  type StateWord,
  TRAP_KINDS,
} from './builder.ts'
import { signExtend } from './flag-bits.ts'
import { carryOf, changed, choose, condition, type FlagWords, toBits } from './flag-words.ts'
import { FLOAT_TESTS, type FloatLanes, type FloatValue, isUsual, STORE_F32, STORE_F64 } from './float-tests.ts'
import { callLibrary } from './library-call.ts'
import type { Locals } from './locals.ts'

/** A place that is bytes in the domain's memory: guest memory, or a register kept in the vCPU's state. */
export interface HostPlace extends Place {
  readonly host: I32
  readonly offset: number
}

const STATE: Readonly<Record<StateWord, number>> = {
  df: CPU.DF,
  mxcsr: CPU.MXCSR,
  fsbase: CPU.FSBASE,
  gsbase: CPU.GSBASE,
  rflags: CPU.RFLAGS,
  x87: CPU.FX,
  x87ip: CPU.X87_IP,
  x87dp: CPU.X87_DP,
  result: CPU.RESULT,
  tscTraps: CPU.TSC_TRAPS,
  es: CPU.SELECTOR_ES,
  cs: CPU.SELECTOR_CS,
  ss: CPU.SELECTOR_SS,
  ds: CPU.SELECTOR_DS,
  fs: CPU.SELECTOR_FS,
  gs: CPU.SELECTOR_GS,
}
const NARROW: ReadonlySet<StateWord> = new Set(['mxcsr', 'tscTraps', 'es', 'cs', 'ss', 'ds', 'fs', 'gs'])

/** Indices of the imported helpers in modules that hold instruction bodies. */
export type HelperIndex = Readonly<Record<Helper | 'exact', number>>

/**
 * What all tiers do alike when a definition runs: temporaries, control statements, memory-like places, flag words. A tier adds where
 * operands are, how memory is opened, where flags live and how an instruction ends.
 */
export abstract class BodyBuilder implements Builder {
  readonly code: Code
  readonly cpu: I32
  protected readonly locals: Locals
  readonly #helpers: HelperIndex
  insn!: Decoded

  constructor(code: Code, locals: Locals, cpu: I32, helpers: HelperIndex) {
    this.code = code
    this.locals = locals
    this.cpu = cpu
    this.#helpers = helpers
  }

  abstract open(operand: Operand, access: Access, size?: number): Place
  abstract openAt(address: I64, access: Access, size: number, stack?: boolean): Place
  abstract gpr(index: number, size: 1 | 2 | 4 | 8): Place
  abstract address(operand: MemOperand, segment: boolean): I64
  abstract known(operand: Operand): bigint | undefined
  abstract fault(condition: I32, vector: number, errorCode?: number): void
  abstract trap(): void
  abstract modrm(): I32
  abstract rip(): I64
  abstract nextRip(): I64
  abstract jump(target: Operand): void
  abstract jumpIf(condition: I32, target: Operand): void
  abstract jumpTo(rip: I64): void
  abstract again(): void
  abstract finish(): void

  /** Number of what the instruction traps as. */
  protected trapKind(): number {
    const { name, traps } = this.insn.row
    if (traps === undefined) throw new TypeError(`the row of ${name} does not say that it traps`)
    return TRAP_KINDS.indexOf(traps)
  }

  protected abstract flagWords(): FlagWords
  protected abstract setFlagWords(words: FlagWords): void

  openAligned(operand: Operand, access: Access): Place {
    if (operand.kind === 'mem') this.fault(i32.wrap(i64.and(this.address(operand, true), i64.const(15))), 13, 0)
    return this.open(operand, access, 16)
  }

  get size(): 1 | 2 | 4 | 8 {
    return this.insn.size
  }

  op(n: number): Operand {
    return this.insn.operands[n]
  }

  xmm(index: number, size: number): HostPlace {
    return { kind: 'xmm', size, host: this.cpu, offset: CPU.XMM + index * 16 }
  }

  get(place: Place): I64 {
    const { host, offset, size } = place as HostPlace
    return this.let(loadZero(host, offset, size))
  }

  getSigned(place: Place): I64 {
    return this.let(signExtend(this.get(place), place.size))
  }

  put(place: Place, value: I64): void {
    const { host, offset, size } = place as HostPlace
    if (place.kind === 'gpr' && size === 4) this.code.store(STORE64[8], host, this.trunc(value, 4), offset)
    else this.code.store(STORE64[size], host, value, offset)
  }

  get128(place: Place): V128 {
    const { host, offset } = place as HostPlace
    return this.let(v128.load(host, offset))
  }

  put128(place: Place, value: V128): void {
    const { host, offset } = place as HostPlace
    this.code.store(STORE_V128, host, value, offset)
  }

  double(place: Place): F64 {
    const { host, offset } = place as HostPlace
    return this.let(f64.load(host, offset))
  }

  putDouble(place: Place, value: F64): void {
    const { host, offset } = place as HostPlace
    this.code.store(STORE_F64, host, value, offset)
  }

  single(place: Place): F32 {
    const { host, offset } = place as HostPlace
    return this.let(f32.load(host, offset))
  }

  putSingle(place: Place, value: F32): void {
    const { host, offset } = place as HostPlace
    this.code.store(STORE_F32, host, value, offset)
  }

  putAlone(place: Place, value: F32 | F64): void {
    this.put128(place, alone(value))
  }

  arithmetic(arithmetic: Arithmetic): void {
    emitArithmetic(this.arithmeticTier(), arithmetic)
    arithmetic.keep()
  }

  protected arithmeticTier(): ArithmeticTier {
    return {
      code: this.code,
      limit: (lanes) => this.limit(lanes),
      isPlain: () => false,
      isExactSoFar: ({ operation, x, y }) =>
        new Expr('i32', 'call', this.#helpers.exact, [this.cpu, i32.const(operation), lanesOf(x), lanesOf(y)]),
      exactly: (arithmetic) => callLibrary(this, arithmetic),
    }
  }

  limit(lanes: FloatLanes): I32 {
    const usual = isUsual(i32.load(this.cpu, CPU.MXCSR))
    return this.let(select(usual, i32.const(FLOAT_TESTS[lanes].limit), i32.const(0)))
  }

  hostAddress(place: Place): I32 {
    const { host, offset } = place as HostPlace
    return offset === 0 ? host : i32.add(host, i32.const(offset))
  }

  /** Bytes from the place to the end of its page; guest pages and their frames are aligned alike. */
  reach(place: Place, backward: boolean = false): I32 {
    const { size } = place as HostPlace
    const offset = i32.and(this.hostAddress(place), i32.const(4095))
    return backward ? i32.add(offset, i32.const(size)) : i32.sub(i32.const(4096), offset)
  }

  /** An atomic read-modify-write orders as `atomic.fence` does and is cheaper in V8. */
  fence(): void {
    this.code.drop(atomicAdd(this.cpu, CPU.FENCE, i32.const(0)))
  }

  rmw(place: Place, next: (old: I64) => I64, locked: boolean = this.insn.lock): I64 {
    if (!locked || place.kind !== 'mem') {
      const old = this.get(place)
      this.put(place, next(old))
      return old
    }
    return this.#lockedRmw(place as HostPlace, next)
  }

  /** Compare-exchange until nobody else wrote in between. */
  #lockedRmw(place: HostPlace, next: (old: I64) => I64): I64 {
    const { host, offset, size } = place
    const old = this.variable('i64')
    const load = () => this.set(old, loadZero(host, offset, size))
    const exchange = () => {
      load()
      this.#exchange(host, offset, size, old, next)
    }
    const unsuited = this.notAtomic(place)
    if (!unsuited) exchange()
    else
      this.if(
        unsuited,
        () => {
          this.alone()
          load()
          this.code.store(STORE64[size], host, next(old), offset)
        },
        exchange,
      )
    return old
  }

  /** Whether WebAssembly's atomic operations cannot serve a place; undefined for never. They trap where misaligned. */
  protected notAtomic(place: HostPlace): I32 | undefined {
    return place.size === 1 ? undefined : i32.and(this.hostAddress(place), i32.const(place.size - 1))
  }

  alone(): void {
    this.code.if(i32.load(this.cpu, CPU.OTHERS), false)
    this.leaveToBeAlone()
    this.code.end()
  }

  /** Leaves with the instruction not begun, so that it is run with all other vCPUs out of the guest. */
  protected abstract leaveToBeAlone(): void

  #exchange(host: I32, offset: number, size: number, old: I64, next: (old: I64) => I64): void {
    const seen = this.variable('i64')
    this.loopWhile(() => {
      this.set(seen, atomicCompareExchange(host, offset, size, old, this.trunc(next(old), size)))
      const failed = this.let(i64.ne(seen, old))
      this.set(old, seen)
      return failed
    })
  }

  let<T extends WasmType>(value: Expr<T>): Expr<T> {
    if (value.shape === 'local' && !this.isVolatile(value)) return value
    if (value.shape === 'const') return value
    const local = this.locals.temporary(value.type)
    this.code.setLocal(local.op, value)
    return local
  }

  /** A local that later code of the same instruction may change (a tier's registers). */
  protected isVolatile(_local: Expr): boolean {
    return false
  }

  variable<T extends WasmType>(type: T): Expr<T> {
    const local = this.locals.temporary(type)
    const zero = type === 'v128' ? v128.const(new Uint8Array(16)) : new Expr(type, 'const', 0, [], 0)
    this.code.setLocal(local.op, zero)
    return local
  }

  set<T extends WasmType>(variable: Expr<T>, value: Expr<T>): void {
    this.code.setLocal(variable.op, value)
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.code.ifElse(condition, then, otherwise)
  }

  seldom(emit: () => void): void {
    emit()
  }

  loopWhile(body: () => I32): void {
    this.code.loop()
    const label = this.code.depth
    this.code.brIf(label, body())
    this.code.end()
  }

  copyBytes(to: I32, from: I32, count: I32): void {
    this.code.copy(to, from, count)
  }

  fillBytes(to: I32, value: I32, count: I32): void {
    this.code.fill(to, value, count)
  }

  trunc(value: I64, size: number = this.size): I64 {
    if (size === 8) return value
    const constant = constantOf(value)
    if (constant !== undefined) return i64.const(BigInt.asUintN(size * 8, constant))
    return i64.and(value, i64.const((1n << BigInt(size * 8)) - 1n))
  }

  signed(value: I64, size: number = this.size): I64 {
    return signExtend(value, size)
  }

  flags(change: FlagChange, size: number = this.size, when?: I32): void {
    const old = this.flagWords()
    const words = changed(change, size, old, (x) => this.let(x))
    this.setFlagWords(when ? choose(when, words, old) : words)
  }

  cond(code: ConditionCode): I32 {
    return this.let(condition(code, this.flagWords()))
  }

  carry(): I64 {
    return this.let(carryOf(this.flagWords()))
  }

  arithmeticFlags(): I64 {
    return this.let(toBits(this.flagWords()))
  }

  state(word: StateWord): I64 {
    return this.let(NARROW.has(word) ? i64.load32_u(this.cpu, STATE[word]) : i64.load(this.cpu, STATE[word]))
  }

  setState(word: StateWord, value: I64): void {
    if (NARROW.has(word)) this.code.store(STORE64[4], this.cpu, value, STATE[word])
    else this.code.store(STORE64[8], this.cpu, value, STATE[word])
  }

  helper(name: Helper, ...args: I32[]): I32 {
    return this.let(new Expr('i32', 'call', this.#helpers[name], [this.cpu, ...args]))
  }

  /** Stores a constant i32 of the vCPU's state. */
  protected stateConst(offset: number, value: number): void {
    this.code.store(STORE32, this.cpu, i32.const(value), offset)
  }
}

/** What a vector holds, or a scalar in all its lanes. */
function lanesOf(value: FloatValue): V128 {
  if (value.type === 'v128') return value as V128
  return value.type === 'f64' ? f64x2.splat(value as F64) : f32x4.splat(value as F32)
}

/** A register with nothing but the value. */
export function alone(value: F32 | F64): V128 {
  const zero = v128.const(new Uint8Array(16))
  return value.type === 'f64' ? f64x2.replace(zero, 0, value as F64) : f32x4.replace(zero, 0, value as F32)
}

export function loadZero(host: I32, offset: number, size: number): I64 {
  switch (size) {
    case 1:
      return i64.load8_u(host, offset)
    case 2:
      return i64.load16_u(host, offset)
    case 4:
      return i64.load32_u(host, offset)
    default:
      return i64.load(host, offset)
  }
}
