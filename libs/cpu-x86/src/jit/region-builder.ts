import type { HelperIndex, HostPlace } from '../builder/body.ts'
import type { Access, Place } from '../builder/builder.ts'
import type { Locals } from '../builder/locals.ts'
import { EXIT } from '../cold/record.ts'
import type { Decoded, MemOperand, Operand, RegOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { Code } from '../wasm/code.ts'
import type { Expr, I32, I64, WasmType } from '../wasm/expr.ts'
import { hasZeroHigh, zeroHigh } from '../wasm/narrow.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { type RegionInsn, target } from './region-code.ts'
import type { RegionLocals } from './region-locals.ts'
import { type KnownOfMemory, RegionMemory } from './region-memory.ts'
import { type Leaving, siteNumber } from './sites.ts'
import type { Flow, Outside } from './surroundings.ts'
import type { KnownFlags } from './symbolic-flags.ts'
import { VectorArithmetic } from './vector-arithmetic.ts'
import type { Plain } from './vector-state.ts'

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

/** What is known where a block begins. */
export interface BlockAt {
  readonly flags: KnownFlags
  readonly vectors: readonly Plain[]
  readonly memory: KnownOfMemory
}

/** Bodies inside a region: registers in locals, constants known, flags symbolic until they are read. */
export class RegionBuilder extends VectorArithmetic {
  readonly registers: (I64 | undefined)[] = new Array(16).fill(undefined)
  readonly dirty: Set<number> = new Set()
  readonly #at: RegionLocals
  readonly #outside: Outside
  /** Registers that temporaries of this instruction were read from. */
  readonly #origins = new Map<number, number>()
  /** Temporaries of this instruction with nothing in their high half. */
  readonly #narrow = new Set<number>()
  flow!: Flow
  /** Instructions retired in this block before the current one. */
  #done = 0
  /** Labels of the repeated instruction that is emitted: of its next round, and behind it. */
  #round = 0
  #behind = 0
  #here!: RegionInsn
  readonly memory: RegionMemory

  constructor(code: Code, locals: Locals, cpu: I32, at: RegionLocals, helpers: HelperIndex, outside: Outside) {
    super(code, locals, cpu, helpers, at.flags, outside.settle)
    this.#at = at
    this.#outside = outside
    this.memory = new RegionMemory(this, locals, outside)
  }

  beginBlock({ flags, vectors, memory }: BlockAt): void {
    this.#done = 0
    this.memory.known = memory
    this.flagsHere = flags
    this.beginVectors(vectors)
  }

  emit(here: RegionInsn): void {
    this.#here = here
    this.insn = here.insn
    this.locals.release()
    this.#origins.clear()
    this.#narrow.clear()
    this.memory.beginInstruction(here.offset)
    this.beginInstruction()
    if (here.insn.rep === 0) here.insn.row.def(this)
    else this.#repeat(here.insn)
    this.#done++
  }

  /** A loop of rounds; each ends in `again` or `finish`. */
  #repeat({ row }: Decoded): void {
    const before = this.flagsHere
    const leavesFlags = row.writes !== undefined
    // None of them changes a vector register.
    const vectors = this.vectorState()
    this.code.block()
    this.#behind = this.code.depth
    if (leavesFlags) this.#mixFlags()
    this.code.loop()
    this.#round = this.code.depth
    row.def(this)
    this.code.u8(0x00)
    this.code.end()
    this.code.end()
    this.flagsHere = leavesFlags ? 'dynamic' : before
    this.setVectorState(vectors)
  }

  /** Before control goes where other flags may come from as well. */
  #mixFlags(): void {
    this.declareFlags()
    this.flagsHere = 'dynamic'
  }

  /** Emits other blocks on a way of their own; what is known here is as before. */
  aside(emit: () => void): void {
    const [here, insn, flags, done] = [this.#here, this.insn, this.flagsHere, this.#done]
    const { known } = this.memory
    const vectors = this.vectorState()
    emit()
    this.#here = here
    this.insn = insn
    this.flagsHere = flags
    this.#done = done
    this.memory.known = known
    this.setVectorState(vectors)
    // Temporaries were used again meanwhile.
    this.#narrow.clear()
  }

  /** The block's instructions into the count: before control goes elsewhere. */
  retire(retired: number = this.#done): void {
    if (retired > 0) this.code.setLocal(this.#at.count.op, i32.add(this.#at.count, i32.const(retired)))
  }

  register(n: number): I64 {
    let local = this.registers[n]
    if (!local) {
      local = this.locals.named('i64')
      this.registers[n] = local
    }
    return local
  }

  protected override isVolatile(local: Expr): boolean {
    return this.generalOf(local.op) !== undefined || super.isVolatile(local)
  }

  generalOf(local: number): number | undefined {
    const n = this.registers.findIndex((r) => r?.op === local)
    return n < 0 ? undefined : n
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
    if (value.shape === 'local') return this.generalOf(value.op) ?? this.#origins.get(value.op)
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
    if (local.op === this.#at.pageVa.op) return 'page'
    return this.generalOf(local.op) ?? this.#origins.get(local.op)
  }

  gpr(reg: number, size: 1 | 2 | 4 | 8): Place {
    return { kind: 'gpr', size, reg, high: false } as LocalPlace
  }

  address(m: MemOperand, segment: boolean): I64 {
    const { addressSize, mode } = this.insn
    const relative = m.ripRelative ? BigInt(this.#here.offset + this.insn.length) : 0n
    let at: I64 | undefined = m.ripRelative ? this.#at.pageVa : m.base >= 0 ? this.register(m.base) : undefined
    if (m.index >= 0) {
      const index = this.register(m.index)
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
    const whole = this.register(reg)
    const value = this.let(this.trunc(high ? i64.shr_u(whole, i64.const(8)) : whole, size))
    if (size >= 4) this.#origins.set(value.op, reg)
    return value
  }

  override put(place: Place, value: I64): void {
    if (place.kind === 'gpr') this.#putRegister(place as LocalPlace, value)
    else super.put(place, value)
  }

  #putRegister({ reg, high, size }: LocalPlace, value: I64): void {
    const whole = this.register(reg)
    this.dirty.add(reg)
    this.memory.assign(reg, size >= 4 ? value : undefined, size === 8)
    if (size >= 4) {
      this.code.setLocal(whole.op, this.trunc(value, size))
      return
    }
    const mask = (size === 1 ? 0xffn : 0xffffn) << (high ? 8n : 0n)
    const part = this.trunc(value, size)
    const placed = high ? i64.shl(part, i64.const(8)) : part
    this.code.setLocal(whole.op, i64.or(i64.and(whole, i64.const(~mask)), placed))
  }

  override hostAddress(place: Place): I32 {
    if (place.kind === 'gpr' || place.kind === 'imm' || this.isVector(place))
      throw new TypeError('a register kept in a local has no address')
    return super.hostAddress(place)
  }

  override rmw(place: Place, next: (old: I64) => I64, locked: boolean = this.insn.lock): I64 {
    return super.rmw(place, next, locked && place.kind === 'mem')
  }

  /** Out with RIP on this instruction, which was not retired. */
  leave(leaving: Leaving): void {
    const known = this.askFlags()
    const flags = typeof known === 'object' ? known : 'dynamic'
    const site = siteNumber({ leaving, offset: this.#here.offset, done: this.#done, flags })
    this.code.setLocal(this.#at.site.op, i64.const(site))
    this.trimFlags()
    this.settleVectors()
    this.code.br(this.#outside.site)
  }

  protected leaveToBeAlone(): void {
    this.leave({ exit: EXIT.MISS })
  }

  fault(condition: I32, vector: number, errorCode: number = -1): void {
    this.code.if(condition, false)
    this.leave({ exit: EXIT.FAULT, vector, error: errorCode })
    this.code.end()
  }

  trap(): void {
    this.leave({ exit: EXIT.TRAP, kind: this.trapKind() })
  }

  modrm(): I32 {
    return i32.const(this.insn.modrm)
  }

  rip(): I64 {
    return this.let(this.at(this.#here.offset))
  }

  nextRip(): I64 {
    return this.let(this.at(this.#here.offset + this.insn.length))
  }

  /** The address of an offset. */
  at(offset: number): I64 {
    const address = i64.add(this.#at.pageVa, i64.const(offset))
    // What is in the entry's page does not reach across 4 GiB.
    return this.insn.mode === 32 && (offset < 0 || offset > 4095) ? i64.and(address, i64.const(0xffffffff)) : address
  }

  jump(operand: Operand): void {
    const here = this.#here
    const to = target(here)
    this.retire(this.#done + 1)
    if (to !== undefined) this.flow.jump(here, to)
    else if (operand.kind !== 'rel') throw new TypeError('a jump has a displacement')
    else this.out(this.trunc(this.at(here.offset + here.insn.length + operand.value)))
  }

  jumpIf(condition: I32, to: Operand): void {
    this.code.if(condition)
    this.aside(() => this.jump(to))
    this.code.end()
  }

  jumpTo(rip: I64): void {
    const to = this.let(rip)
    this.retire(this.#done + 1)
    this.flow.jumpTo(this.#here, to)
  }

  /** Leaves the region for an address, the count being settled. */
  out(rip: I64): void {
    this.declareFlags()
    this.code.setLocal(this.#at.rip.op, rip)
    this.trimFlags()
    this.settleVectors()
    this.code.br(this.#outside.done)
  }

  protected outBehind(finish: () => void): void {
    this.aside(() => {
      finish()
      this.retire(this.#done + 1)
      this.out(this.at(this.#here.offset + this.insn.length))
    })
  }

  /** As in the cold tier, the vCPU may be stopped between rounds: the instruction goes on where it was. */
  again(): void {
    const { count } = this.#at
    const limit = this.let(i32.load(this.cpu, CPU.LIMIT))
    const done = this.#done === 0 ? count : i32.add(count, i32.const(this.#done))
    this.code.if(i32.ge_s(done, limit), false)
    this.aside(() => {
      this.retire()
      this.out(this.at(this.#here.offset))
    })
    this.code.end()
    if (this.insn.row.writes !== undefined) this.#mixFlags()
    this.code.br(this.#round)
  }

  /** Jumps go on behind themselves by what follows them. */
  finish(): void {
    if (this.insn.rep === 0) return
    if (this.insn.row.writes !== undefined) this.#mixFlags()
    this.code.br(this.#behind)
  }

  override seldom(_emit: () => void): void {
    this.leave({ exit: EXIT.MISS })
  }
}
