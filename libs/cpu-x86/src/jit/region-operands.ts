import type { HelperIndex, HostPlace } from '../builder/body.ts'
import type { Access, Place } from '../builder/builder.ts'
import type { Locals } from '../builder/locals.ts'
import type { MemOperand, Operand, RegOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { Code } from '../wasm/code.ts'
import type { Expr, I32, I64, WasmType } from '../wasm/expr.ts'
import { type WidthOf, widthOf, zeroHigh } from '../wasm/narrow.ts'
import { i64 } from '../wasm/ops.ts'
import type { GeneralRegisters } from './general-registers.ts'
import type { RegionInsn } from './region-code.ts'
import type { RegionLocals } from './region-locals.ts'
import { RegionMemory } from './region-memory.ts'
import type { Leaving } from './sites.ts'
import type { Outside } from './surroundings.ts'
import { VectorArithmetic } from './vector-arithmetic.ts'

/** i64.add and sub, what 32-bit sums are made of, and i32.add and sub. */
const NEAR: ReadonlySet<number> = new Set([0x7c, 0x7d, 0xad, 0xa7, 0x6a, 0x6b])

const NO_PARTS: ReadonlyMap<number, 1 | 2> = new Map<number, 1 | 2>()

/** A general register kept in a local. */
interface LocalPlace extends Place {
  readonly kind: 'gpr'
  readonly reg: number
  readonly high: boolean
}

interface ImmediatePlace extends Place {
  readonly kind: 'imm'
  readonly value: bigint
}

/** Operands of a region's instructions: registers in locals, constants known, memory by pages. */
export abstract class RegionOperands extends VectorArithmetic {
  readonly general: GeneralRegisters
  readonly memory: RegionMemory
  protected readonly kept: RegionLocals
  protected readonly outside: Outside
  /** Registers that temporaries of this instruction were read from. */
  readonly #origins = new Map<number, number>()
  /** Bits of temporaries of this instruction, and of `#parts`, where that is less than all. */
  readonly #widths = new Map<number, number>()
  /** By register: what its low 1 or 2 bytes, of this many, were changed to last in this block, in a local of its own. */
  protected changedParts = NO_PARTS
  readonly #parts: I64[] = []
  protected here!: RegionInsn

  constructor(
    code: Code,
    locals: Locals,
    cpu: I32,
    at: RegionLocals,
    helpers: HelperIndex,
    outside: Outside,
    general: GeneralRegisters,
  ) {
    super(code, locals, cpu, helpers, at.flags, outside.settle)
    this.general = general
    this.kept = at
    this.outside = outside
    this.memory = new RegionMemory(this, locals, outside)
  }

  /** Out with RIP on this instruction, which was not retired. */
  abstract leave(leaving: Leaving): void

  protected beginOperands(here: RegionInsn): void {
    this.here = here
    this.#origins.clear()
    this.#widths.clear()
    this.memory.beginInstruction(here.offset)
    this.general.beginInstruction()
  }

  /** Temporaries were used again meanwhile. */
  protected forgetWidths(): void {
    this.#widths.clear()
  }

  protected forgetParts(): void {
    this.changedParts = NO_PARTS
  }

  protected override isVolatile(local: Expr): boolean {
    return this.general.numberOf(local.op) !== undefined || this.#isPart(local) || super.isVolatile(local)
  }

  override trunc(value: I64, size: number = this.size): I64 {
    if (size === 4) return zeroHigh(value, this.#widthOf)
    return size < 4 && widthOf(value, this.#widthOf) <= size * 8 ? value : super.trunc(value, size)
  }

  override let<T extends WasmType>(value: Expr<T>): Expr<T> {
    const local = super.let(value)
    if (local === value || (value.type !== 'i64' && value.type !== 'i32')) return local
    this.#widths.set(local.op, widthOf(value, this.#widthOf))
    if (value.type === 'i32') return local
    this.memory.trace?.values.bind(local.op, value)
    const origin = this.#originOf(value)
    if (origin !== undefined) this.#origins.set(local.op, origin)
    return local
  }

  /** The register that a value is near to, as what is pushed is to rsp. */
  #originOf(value: Expr): number | undefined {
    if (value.shape === 'local') return this.general.numberOf(value.op) ?? this.#origins.get(value.op)
    const isNear = (value.shape === 'bin' || value.shape === 'un') && NEAR.has(value.op)
    return isNear ? this.#originOf(value.args[0]) : undefined
  }

  readonly #widthOf: WidthOf = (local) => this.#widths.get(local.op) ?? 64

  #isPart(local: Expr): boolean {
    return this.#parts.some((part) => part.op === local.op)
  }

  known(operand: Operand): bigint | undefined {
    return operand.kind === 'imm' ? operand.value : undefined
  }

  open(operand: Operand, access: Access, size?: number): Place {
    switch (operand.kind) {
      case 'mem':
        return this.openAt(this.address(operand, true), access, size ?? operand.size)
      case 'imm':
        return { kind: 'imm', size: size ?? this.size, value: operand.value } as ImmediatePlace
      case 'reg': {
        const { reg, high } = operand as RegOperand
        return { kind: 'gpr', size: size ?? operand.size, reg, high } as LocalPlace
      }
      case 'xmm':
        return this.xmm(operand.reg, size ?? operand.size)
      case 'mmx':
        return {
          kind: 'xmm',
          size: size ?? operand.size,
          host: this.cpu,
          offset: CPU.FX + 32 + operand.reg * 16,
        } as HostPlace
      default:
        throw new TypeError(`a ${operand.kind} operand has no place`)
    }
  }

  override openAligned(operand: Operand, access: Access): Place {
    return operand.kind === 'mem'
      ? this.memory.open(this.address(operand, true), access !== 'r', 16, true)
      : this.open(operand, access, 16)
  }

  openAt(address: I64, access: Access, size: number): Place {
    return this.memory.open(address, access !== 'r', size, false)
  }

  /** The register that a local has the value of, or is near to; or 'page' for the code's page. */
  baseOf(local: Expr): number | 'page' | undefined {
    if (local.op === this.kept.pageVa.op) return 'page'
    return this.general.numberOf(local.op) ?? this.#origins.get(local.op)
  }

  gpr(reg: number, size: 1 | 2 | 4 | 8): Place {
    return { kind: 'gpr', size, reg, high: false } as LocalPlace
  }

  address(m: MemOperand, segment: boolean): I64 {
    const { addressSize, mode } = this.insn
    const relative = m.ripRelative ? BigInt(this.here.offset + this.insn.length) : 0n
    let at: I64 | undefined = m.ripRelative ? this.kept.pageVa : m.base >= 0 ? this.general.get(m.base) : undefined
    if (m.index >= 0) {
      const index = this.general.get(m.index)
      const scaled = m.scale > 0 ? i64.shl(index, i64.const(m.scale)) : index
      at = at ? i64.add(at, scaled) : scaled
    }
    const disp = m.disp + relative
    if (!at) at = i64.const(BigInt.asIntN(64, disp))
    else if (disp !== 0n) at = i64.add(at, i64.const(BigInt.asIntN(64, disp)))
    if (addressSize !== 8) at = i64.and(at, i64.const(addressSize === 4 ? 0xffffffff : 0xffff))
    if (!segment || m.segment === 'none') return at
    const sum = i64.add(at, i64.load(this.cpu, m.segment === 'fs' ? CPU.FSBASE : CPU.GSBASE))
    return mode === 32 ? this.trunc(sum, 4) : sum
  }

  override get(place: Place): I64 {
    if (place.kind === 'imm') return this.trunc(i64.const((place as ImmediatePlace).value), place.size)
    if (place.kind !== 'gpr') return super.get(place)
    const { reg, high, size } = place as LocalPlace
    const part = high ? 0 : (this.changedParts.get(reg) ?? 0)
    if (size <= part) return this.#partOf(reg, size, part)
    const whole = this.general.get(reg)
    const value = this.let(this.trunc(high ? i64.shr_u(whole, i64.const(8)) : whole, size))
    if (size >= 4) this.#origins.set(value.op, reg)
    return value
  }

  override put(place: Place, value: I64): void {
    if (place.kind === 'gpr') this.#putRegister(place as LocalPlace, value)
    else super.put(place, value)
  }

  #putRegister({ reg, high, size }: LocalPlace, value: I64): void {
    this.memory.assign(reg, size >= 4 ? value : undefined, size === 8)
    if (size === 1 || size === 2) this.#putPart(reg, size, high, this.trunc(value, size))
    else {
      this.#forgetPart(reg)
      this.general.put(reg, this.trunc(value, size))
    }
  }

  #putPart(reg: number, size: 1 | 2, high: boolean, value: I64): void {
    this.#forgetPart(reg)
    if (high || !this.general.isCertain) {
      this.general.putPart(reg, size, high, value)
      return
    }
    this.#parts[reg] ??= this.locals.named('i64')
    const part = this.#parts[reg]
    this.code.setLocal(part.op, value)
    this.changedParts = new Map(this.changedParts).set(reg, size)
    this.general.putPart(reg, size, false, part)
  }

  #forgetPart(reg: number): void {
    if (!this.changedParts.has(reg)) return
    const parts = new Map(this.changedParts)
    parts.delete(reg)
    this.changedParts = parts
  }

  #partOf(reg: number, size: number, known: number): I64 {
    const part = this.#parts[reg]
    const masked = i64.and(part, i64.const((1n << BigInt(size * 8)) - 1n))
    const value = this.let(size === known ? part : masked)
    this.#widths.set(value.op, size * 8)
    // By its mask it is seen to be small.
    this.memory.trace?.values.bind(value.op, masked)
    return value
  }

  override hostAddress(place: Place): I32 {
    if (place.kind === 'gpr' || place.kind === 'imm' || this.isVector(place))
      throw new TypeError('a register kept in a local has no address')
    return super.hostAddress(place)
  }

  override rmw(place: Place, next: (old: I64) => I64, locked: boolean = this.insn.lock): I64 {
    return super.rmw(place, next, locked && place.kind === 'mem')
  }
}
