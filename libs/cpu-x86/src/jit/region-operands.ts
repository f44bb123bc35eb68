import type { HelperIndex, HostPlace } from '../builder/body.ts'
import type { Access, Place } from '../builder/builder.ts'
import type { Locals } from '../builder/locals.ts'
import type { MemOperand, Operand, RegOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { Code } from '../wasm/code.ts'
import type { Expr, I32, I64, WasmType } from '../wasm/expr.ts'
import { hasZeroHigh, zeroHigh } from '../wasm/narrow.ts'
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
  /** Temporaries of this instruction with nothing in their high half. */
  readonly #narrow = new Set<number>()
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
    this.#narrow.clear()
    this.memory.beginInstruction(here.offset)
    this.general.beginInstruction()
  }

  /** Temporaries were used again meanwhile. */
  protected forgetNarrow(): void {
    this.#narrow.clear()
  }

  protected override isVolatile(local: Expr): boolean {
    return this.general.numberOf(local.op) !== undefined || super.isVolatile(local)
  }

  override trunc(value: I64, size: number = this.size): I64 {
    return size === 4 ? zeroHigh(value, this.#isNarrow) : super.trunc(value, size)
  }

  override let<T extends WasmType>(value: Expr<T>): Expr<T> {
    const local = super.let(value)
    if (local === value || value.type !== 'i64') return local
    this.memory.trace?.values.bind(local.op, value)
    if (hasZeroHigh(value, this.#isNarrow)) this.#narrow.add(local.op)
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

  readonly #isNarrow = (local: Expr): boolean => this.#narrow.has(local.op)

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
    if (size === 1 || size === 2) this.general.putPart(reg, size, high, this.trunc(value, size))
    else this.general.put(reg, this.trunc(value, size))
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
