/**
 * Runs definitions directly, one value at a time: a third opinion beside the tiers and silicon, with flags by
 * `builder/flag-bits.ts`. Memory is that of the judge (`native/native.ts`). For tests only.
 */
import type {
  Access,
  Builder,
  ConditionCode,
  FlagChange,
  Place,
  PlainChange,
  StateWord,
} from '../../src/builder/builder.ts'
import { ARITHMETIC_FLAGS, conditionOf, flagBits } from '../../src/builder/flag-bits.ts'
import { plainChange } from '../../src/builder/product-flags.ts'
import type { Decoded, MemOperand, Operand } from '../../src/decode/decoded.ts'
import { Expr, type F32, type F64, type I32, type I64, type V128, type WasmType } from '../../src/wasm/expr.ts'
import { i64 } from '../../src/wasm/ops.ts'
import { CODE, type NativeCase } from '../native/native.ts'
import { evaluate } from './evaluate.ts'
import { GuestFault, Memory } from './memory.ts'

interface Location extends Place {
  readonly register?: number
  readonly high?: boolean
  readonly address?: bigint
  readonly value?: bigint
}

/** One instruction on one state. `constants`: whether definitions know the values of immediates, as regions do. */
export class Interpreter implements Builder {
  readonly insn: Decoded
  readonly registers: BigUint64Array
  readonly memory: Memory
  readonly #constants: boolean
  readonly #cells = new Map<number, { value: bigint }>()
  #rflags: bigint

  constructor(insn: Decoded, state: NativeCase, constants: boolean) {
    this.insn = insn
    this.registers = state.gpr.slice()
    this.memory = new Memory(state.memory ?? [])
    this.#rflags = BigInt((state.rflags ?? 0) & ARITHMETIC_FLAGS)
    this.#constants = constants
  }

  get rflags(): number {
    return Number(this.#rflags)
  }

  get size(): 1 | 2 | 4 | 8 {
    return this.insn.size
  }

  op(n: number): Operand {
    return this.insn.operands[n]
  }

  openAligned(operand: Operand, access: Access): Place {
    return this.open(operand, access, 16)
  }

  open(operand: Operand, access: Access, size?: number): Place {
    switch (operand.kind) {
      case 'reg':
        return place({ kind: 'gpr', size: size ?? operand.size, register: operand.reg, high: operand.high })
      case 'imm':
        return place({ kind: 'imm', size: operand.size, value: operand.value })
      case 'mem':
        return this.openAt(this.address(operand, true), access, size ?? operand.size, operand.stack)
      default:
        throw new TypeError(`${operand.kind} operands are not interpreted`)
    }
  }

  openAt(address: I64, access: Access, size: number, stack: boolean = false): Place {
    const at = this.#value(address)
    this.memory.check(at, size, access, stack)
    return place({ kind: 'mem', size, address: at })
  }

  gpr(index: number, size: 1 | 2 | 4 | 8): Place {
    return place({ kind: 'gpr', size, register: index })
  }

  address(operand: MemOperand, _segment: boolean): I64 {
    const register = (n: number) => (n < 0 ? 0n : this.registers[n])
    const next = operand.ripRelative ? BigInt(CODE + this.insn.length) : 0n
    const sum = next + register(operand.base) + (register(operand.index) << BigInt(operand.scale)) + operand.disp
    return i64.const(BigInt.asUintN(8 * this.insn.addressSize, sum))
  }

  get(from: Place): I64 {
    const { kind, size, register, high, address, value } = from as Location
    if (kind === 'imm') return i64.const(BigInt.asUintN(8 * size, value!))
    if (kind === 'mem') return i64.const(this.memory.read(address!, size))
    return i64.const(BigInt.asUintN(8 * size, this.registers[register!] >> (high ? 8n : 0n)))
  }

  getSigned(from: Place): I64 {
    return i64.const(BigInt.asUintN(64, BigInt.asIntN(8 * from.size, this.#value(this.get(from)))))
  }

  put(to: Place, value: I64): void {
    const { kind, size, register, high, address } = to as Location
    const bits = BigInt.asUintN(8 * size, this.#value(value))
    if (kind === 'mem') this.memory.write(address!, size, bits)
    else {
      const shift = high ? 8n : 0n
      const mask = ((1n << BigInt(8 * size)) - 1n) << shift
      const kept = size === 4 ? 0n : this.registers[register!] & ~mask
      this.registers[register!] = kept | (bits << shift)
    }
  }

  get128(from: Place): V128 {
    return new Expr('v128', 'const', 0, [], this.memory.read((from as Location).address!, 16))
  }

  put128(to: Place, value: V128): void {
    this.memory.write((to as Location).address!, 16, this.#value(value))
  }

  alone(): void {}

  rmw(at: Place, next: (old: I64) => I64, _locked?: boolean): I64 {
    const old = this.get(at)
    this.put(at, next(old))
    return old
  }

  known(operand: Operand): bigint | undefined {
    return this.#constants && operand.kind === 'imm' ? operand.value : undefined
  }

  let<T extends WasmType>(value: Expr<T>): Expr<T> {
    const bits = this.#value(value)
    const signed =
      value.type === 'i64' ? BigInt.asIntN(64, bits) : value.type === 'i32' ? BigInt.asIntN(32, bits) : bits
    return new Expr(value.type, 'const', 0, [], signed)
  }

  variable<T extends WasmType>(type: T): Expr<T> {
    const cell = this.#cells.size
    this.#cells.set(cell, { value: 0n })
    return new Expr(type, 'local', cell)
  }

  set<T extends WasmType>(variable: Expr<T>, value: Expr<T>): void {
    this.#cells.get(variable.op)!.value = this.#value(value)
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    if (this.#value(condition) !== 0n) then()
    else otherwise?.()
  }

  seldom(emit: () => void): void {
    emit()
  }

  loopWhile(body: () => I32): void {
    while (this.#value(body()) !== 0n);
  }

  trunc(value: I64, size: number = this.size): I64 {
    return i64.const(BigInt.asUintN(8 * size, this.#value(value)))
  }

  signed(value: I64, size: number = this.size): I64 {
    return i64.const(BigInt.asUintN(64, BigInt.asIntN(8 * size, this.#value(value))))
  }

  flags(change: FlagChange, size: number = this.size, when?: I32): void {
    const old = i64.const(this.#rflags)
    if (when && this.#value(when) === 0n) return
    const plain = plainChange(change, size)
    this.#rflags = this.#value(flagBits(plain, size, () => old))
    this.#checkConditions(plain, size, old)
  }

  /** All sixteen conditions read from the change are what the image says. */
  #checkConditions(change: PlainChange, size: number, old: I64): void {
    for (let code = 0; code < 16; code++) {
      const seen = this.#value(conditionOf(code, change, size, () => old))
      if (seen !== this.#value(this.cond(code))) throw new Error(`condition ${code} of ${change.kind} is ${seen}`)
    }
  }

  cond(code: ConditionCode): I32 {
    return conditionOf(code, { kind: 'bits', rflags: i64.const(this.#rflags) }, this.size, this.arithmeticFlags)
  }

  carry(): I64 {
    return i64.and(i64.const(this.#rflags), i64.const(1))
  }

  readonly arithmeticFlags = (): I64 => i64.const(this.#rflags)

  fault(condition: I32, vector: number, errorCode: number = 0): void {
    if (this.#value(condition) !== 0n) throw new GuestFault(vector, errorCode)
  }

  #value(e: Expr): bigint {
    return evaluate(e, this.#cells)
  }

  #none(what: string): never {
    throw new TypeError(`${what} is not interpreted (${this.insn.row.name})`)
  }
  xmm(): Place {
    return this.#none('xmm')
  }
  double(): F64 {
    return this.#none('double')
  }

  putDouble(): void {
    this.#none('putDouble')
  }

  single(): F32 {
    return this.#none('single')
  }

  putSingle(): void {
    this.#none('putSingle')
  }

  putAlone(): void {
    this.#none('putAlone')
  }

  arithmetic(): void {
    this.#none('arithmetic')
  }

  limit(): I32 {
    return this.#none('limit')
  }

  hostAddress(): I32 {
    return this.#none('hostAddress')
  }
  reach(): I32 {
    return this.#none('reach')
  }
  fence(): void {
    this.#none('fence')
  }
  copyBytes(): void {
    this.#none('copyBytes')
  }
  fillBytes(): void {
    this.#none('fillBytes')
  }
  state(word: StateWord): I64 {
    return this.#none(word)
  }
  setState(word: StateWord): void {
    this.#none(word)
  }
  trap(): void {
    this.#none('trap')
  }
  helper(): I32 {
    return this.#none('helper')
  }
  modrm(): I32 {
    return this.#none('modrm')
  }

  rip(): I64 {
    return this.#none('rip')
  }

  nextRip(): I64 {
    return this.#none('nextRip')
  }
  jump(): void {
    this.#none('jump')
  }
  jumpIf(): void {
    this.#none('jumpIf')
  }
  jumpTo(): void {
    this.#none('jumpTo')
  }
  again(): void {
    this.#none('again')
  }
  finish(): void {
    this.#none('finish')
  }
}

const place = (location: Location): Location => location
