import type { HelperIndex, HostPlace } from '../builder/body.ts'
import type { Place } from '../builder/builder.ts'
import { STORE_F32, STORE_F64 } from '../builder/float-tests.ts'
import type { Locals } from '../builder/locals.ts'
import { CPU } from '../state/layout.ts'
import { type Code, STORE_V128 } from '../wasm/code.ts'
import type { Expr, F32, F64, I32, I64, V128, WasmType } from '../wasm/expr.ts'
import { f32, f32x4, f64, f64x2, i16x8, i32, i32x4, i64, i64x2, v128 } from '../wasm/ops.ts'
import { type FlagLocals, SymbolicFlags } from './symbolic-flags.ts'
import {
  ABOVE_DOUBLE,
  ABOVE_SINGLE,
  ALL_PLAIN,
  also,
  known,
  meet,
  NOTHING,
  only,
  PLAIN,
  type Plain,
} from './vector-state.ts'

/** An xmm register, kept in locals; `host` and `offset` are its place in the vCPU's state, where the library gets it. */
interface VectorPlace extends HostPlace {
  readonly reg: number
}

/**
 * Where a register's value is: in its v128 local, or its low part in a local of its own with the rest in the v128 local. Arithmetic on
 * scalars would else have to put the result among the lanes each time.
 */
type Form = 'whole' | 'f64' | 'f32'

/** The locals of one register, made when first used. */
interface VectorLocals {
  readonly whole: V128
  f64?: F64
  f32?: F32
}

export interface VectorSnapshot {
  readonly forms: readonly Form[]
  readonly plain: readonly Plain[]
}

const ZERO: V128 = v128.const(new Uint8Array(16))
const XOR = v128.xor(ZERO, ZERO).op

/** Bodies whose xmm registers are locals. */
export abstract class VectorRegisters extends SymbolicFlags {
  readonly vectors: (VectorLocals | undefined)[] = new Array(16).fill(undefined)
  readonly dirtyVectors: Set<number> = new Set()
  readonly #locals: Locals
  #forms: Form[] = new Array<Form>(16).fill('whole')
  protected plain: Plain[] = new Array<Plain>(16).fill(NOTHING)
  /** Registers written since an `if` began. */
  #written = new Set<number>()
  /** Of temporaries of this instruction: the register that they were read from, and what is known of them. */
  readonly #read = new Map<number, { readonly reg: number; readonly plain: Plain }>()
  /** By register: what this block would rather find plain where it begins. */
  wanted: number[] = new Array<number>(16).fill(0)

  constructor(code: Code, locals: Locals, cpu: I32, helpers: HelperIndex, flags: FlagLocals, settle: number) {
    super(code, locals, cpu, helpers, flags, settle)
    this.#locals = locals
  }

  /** At the head of a block all registers are whole. */
  protected beginVectors(plain: readonly Plain[]): void {
    this.#forms.fill('whole')
    this.plain = [...plain]
    this.wanted = new Array<number>(16).fill(0)
    this.#read.clear()
  }

  protected beginInstruction(): void {
    this.#read.clear()
  }

  protected vectorState(): VectorSnapshot {
    return { forms: [...this.#forms], plain: [...this.plain] }
  }

  protected setVectorState({ forms, plain }: VectorSnapshot): void {
    this.#forms = [...forms]
    this.plain = [...plain]
    this.#read.clear()
  }

  vectorsHere(): readonly Plain[] {
    return [...this.plain]
  }

  protected localsOf(reg: number): VectorLocals {
    let locals = this.vectors[reg]
    if (!locals) {
      locals = { whole: this.#locals.named('v128') }
      this.vectors[reg] = locals
    }
    return locals
  }

  #low<T extends 'f64' | 'f32'>(reg: number, type: T): Expr<T> {
    const locals = this.localsOf(reg)
    locals[type] ??= this.#locals.named(type) as F64 & F32
    return locals[type] as unknown as Expr<T>
  }

  /** The whole value of a register, where that is. */
  #value(reg: number): V128 {
    const { whole } = this.localsOf(reg)
    const form = this.#forms[reg]
    if (form === 'f64') return f64x2.replace(whole, 0, this.#low(reg, 'f64'))
    return form === 'f32' ? f32x4.replace(whole, 0, this.#low(reg, 'f32')) : whole
  }

  /** Puts all registers together, before control goes where that is expected; what is known here stays. */
  settleVectors(): void {
    for (const [reg, form] of this.#forms.entries())
      if (form !== 'whole') this.code.setLocal(this.localsOf(reg).whole.op, this.#value(reg))
  }

  #become(reg: number, form: Form): void {
    const now = this.#forms[reg]
    if (now === form) return
    const { whole } = this.localsOf(reg)
    if (now !== 'whole') this.code.setLocal(whole.op, this.#value(reg))
    if (form === 'f64') this.code.setLocal(this.#low(reg, 'f64').op, f64x2.extract(whole, 0))
    if (form === 'f32') this.code.setLocal(this.#low(reg, 'f32').op, f32x4.extract(whole, 0))
    this.#forms[reg] = form
  }

  protected override isVolatile(local: Expr): boolean {
    return this.vectors.some((v) => v && (v.whole.op === local.op || v.f64?.op === local.op || v.f32?.op === local.op))
  }

  override xmm(reg: number, size: number): HostPlace {
    return { kind: 'xmm', size, host: this.cpu, offset: CPU.XMM + reg * 16, reg } as VectorPlace
  }

  protected registerOf(place: Place): number | undefined {
    return (place as Partial<VectorPlace>).reg !== undefined && place.kind === 'xmm'
      ? (place as VectorPlace).reg
      : undefined
  }

  protected isVector(place: Place): boolean {
    return this.registerOf(place) !== undefined
  }

  #noteRead<T extends WasmType>(reg: number, value: Expr<T>): Expr<T> {
    this.#read.set(value.op, { reg, plain: this.plain[reg] })
    return value
  }

  #plainOf(value: Expr): Plain {
    return (value.shape === 'local' && this.#read.get(value.op)?.plain) || NOTHING
  }

  #wrote(reg: number, form: Form, plain: Plain): void {
    this.dirtyVectors.add(reg)
    this.#written.add(reg)
    this.#forms[reg] = form
    this.plain[reg] = plain
  }

  override get(place: Place): I64 {
    const reg = this.registerOf(place)
    return reg === undefined ? super.get(place) : this.let(this.#integer(reg, place.size))
  }

  #integer(reg: number, size: number): I64 {
    if (size === 8) {
      if (this.#forms[reg] === 'f64') return i64.reinterpret(this.#low(reg, 'f64'))
      return i64x2.extract(this.#value(reg), 0)
    }
    if (size === 4) {
      if (this.#forms[reg] === 'f32') return i64.extend_i32_u(i32.reinterpret(this.#low(reg, 'f32')))
      return i64.extend_i32_u(i32x4.extract(this.#value(reg), 0))
    }
    const word = i16x8.extract_u(this.#value(reg), 0)
    return i64.extend_i32_u(size === 1 ? i32.and(word, i32.const(0xff)) : word)
  }

  override put(place: Place, value: I64): void {
    const reg = this.registerOf(place)
    if (reg === undefined) super.put(place, value)
    else if (place.size === 8) this.putDouble(place, f64.reinterpret(value))
    else if (place.size === 4) this.putSingle(place, f32.reinterpret(i32.wrap(value)))
    else throw new TypeError('a vector register has no parts of less than 4 bytes')
  }

  override get128(place: Place): V128 {
    const reg = this.registerOf(place)
    return reg === undefined ? super.get128(place) : this.#noteRead(reg, this.let(this.#value(reg)))
  }

  override put128(place: Place, value: V128): void {
    const reg = this.registerOf(place)
    if (reg === undefined) {
      super.put128(place, value)
      return
    }
    const isZero = this.#isZero(value)
    this.code.setLocal(this.localsOf(reg).whole.op, isZero ? ZERO : value)
    this.#wrote(reg, 'whole', isZero ? known(ALL_PLAIN) : this.#plainOf(value))
  }

  /** xor of a register with itself. */
  #isZero({ shape, op, args }: V128): boolean {
    if (shape !== 'bin' || op !== XOR) return false
    const [x, y] = args.map((arg) => arg.shape === 'local' && this.#read.get(arg.op)?.reg)
    return typeof x === 'number' && x === y
  }

  override double(place: Place): F64 {
    const reg = this.registerOf(place)
    if (reg === undefined) return super.double(place)
    const isApart = this.#forms[reg] === 'f64'
    return this.#noteRead(reg, this.let(isApart ? this.#low(reg, 'f64') : f64x2.extract(this.#value(reg), 0)))
  }

  override putDouble(place: Place, value: F64): void {
    const reg = this.registerOf(place)
    if (reg === undefined) super.putDouble(place, value)
    else this.#putLow(reg, 'f64', value, ABOVE_DOUBLE, PLAIN.sd)
  }

  override single(place: Place): F32 {
    const reg = this.registerOf(place)
    if (reg === undefined) return super.single(place)
    const isApart = this.#forms[reg] === 'f32'
    return this.#noteRead(reg, this.let(isApart ? this.#low(reg, 'f32') : f32x4.extract(this.#value(reg), 0)))
  }

  override putSingle(place: Place, value: F32): void {
    const reg = this.registerOf(place)
    if (reg === undefined) super.putSingle(place, value)
    else this.#putLow(reg, 'f32', value, ABOVE_SINGLE, PLAIN.ss)
  }

  #putLow(reg: number, type: 'f64' | 'f32', value: F64 | F32, above: number, low: number): void {
    const before = this.plain[reg]
    const { from, or } = only(this.#plainOf(value), low)
    const form = this.#forms[reg]
    if (form !== 'whole' && form !== type) this.#become(reg, 'whole')
    this.code.setLocal(this.#low(reg, type).op, value)
    // What was read at the beginning of the block may be known there: only of one of the two can that be said.
    const kept = only(before, above)
    this.#wrote(
      reg,
      type,
      kept.and === 0 && from >= 0 ? { ...only(this.#plainOf(value), low), or: or | kept.or } : also(kept, or),
    )
  }

  override putAlone(place: Place, value: F32 | F64): void {
    const reg = this.registerOf(place)
    if (reg === undefined) {
      super.putAlone(place, value)
      return
    }
    const type = value.type
    const low = type === 'f64' ? PLAIN.sd : PLAIN.ss
    const above = type === 'f64' ? ABOVE_DOUBLE : ABOVE_SINGLE
    const plain = also(only(this.#plainOf(value), low), above)
    this.code.setLocal(this.#low(reg, type).op, value)
    this.code.setLocal(this.localsOf(reg).whole.op, ZERO)
    this.#wrote(reg, type, plain)
  }

  /** The register's bytes in the vCPU's state, with its value; what is there means nothing to others while the region runs. */
  protected home(place: Place): Place {
    const reg = this.registerOf(place)
    if (reg === undefined) return place
    const { size, host, offset } = place as HostPlace
    const home: HostPlace = { kind: 'mem', size, host, offset }
    this.dirtyVectors.add(reg)
    if (this.#forms[reg] === 'f64' && size <= 8) this.code.store(STORE_F64, host, this.#low(reg, 'f64'), offset)
    else if (this.#forms[reg] === 'f32' && size <= 4) this.code.store(STORE_F32, host, this.#low(reg, 'f32'), offset)
    else this.code.store(STORE_V128, host, this.#value(reg), offset)
    return home
  }

  /** Arms may change registers: behind them all have the form that they had before. */
  override if(condition: I32, then: () => void, otherwise?: () => void): void {
    const outer = this.#written
    const before = this.vectorState()
    const after: (readonly Plain[])[] = otherwise ? [] : [before.plain]
    const arm = (body: () => void): void => {
      this.setVectorState(before)
      this.#written = new Set()
      body()
      for (const reg of this.#written) {
        this.#become(reg, before.forms[reg])
        outer.add(reg)
      }
      after.push(this.plain)
    }
    super.if(condition, () => arm(then), otherwise && (() => arm(otherwise)))
    this.#written = outer
    const [first, ...rest] = after
    this.setVectorState({
      forms: before.forms,
      plain: first.map((plain, n) => rest.reduce((p, other) => meet(p, other[n]), plain)),
    })
  }

  override loopWhile(body: () => I32): void {
    this.settleVectors()
    this.setVectorState({ forms: new Array<Form>(16).fill('whole'), plain: new Array<Plain>(16).fill(NOTHING) })
    super.loopWhile(() => {
      const again = body()
      for (const reg of this.#forms.keys()) this.#become(reg, 'whole')
      return again
    })
    this.plain.fill(NOTHING)
  }

  /** Emits what the region begins with: its registers from the vCPU's state. */
  protected loadVectors(code: Code): void {
    this.vectors.forEach((locals, reg) => {
      if (locals) code.setLocal(locals.whole.op, v128.load(this.cpu, CPU.XMM + reg * 16))
    })
  }

  /** Emits what it ends with. */
  leaveVectors(code: Code): void {
    for (const reg of this.dirtyVectors) code.store(STORE_V128, this.cpu, this.localsOf(reg).whole, CPU.XMM + reg * 16)
  }
}
