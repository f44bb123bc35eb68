import { BodyBuilder, type HelperIndex, type HostPlace } from '../builder/body.ts'
import type { Access, ConditionCode, FlagChange, Place, Trap } from '../builder/builder.ts'
import { TRAP_KINDS } from '../builder/builder.ts'
import { carryOf, conditionOf } from '../builder/flag-bits.ts'
import { changed, type FlagWords } from '../builder/flag-words.ts'
import type { Locals } from '../builder/locals.ts'
import { EXIT } from '../cold/record.ts'
import { openThroughTlb } from '../cold/record-builder.ts'
import type { MemOperand, Operand, RegOperand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { Code } from '../wasm/code.ts'
import type { Expr, I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import type { RegionInsn } from './region-code.ts'
import { jumpTarget } from './region-code.ts'

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

/** Locals of a region's function besides its registers. */
export interface RegionLocals {
  readonly tlb: I32
  readonly count: I32
  readonly exit: I32
  readonly block: I32
  readonly pageVa: I64
  /** Where the guest goes on after the region. */
  readonly rip: I64
  readonly flags: FlagWords
  /** Operands of the pending flag change. */
  readonly x: I64
  readonly y: I64
  readonly r: I64
}

/** Where a region's jumps lead: the function's business (region-module.ts). */
export interface Edges {
  /** Emits a jump to an offset of the page, flags and count being settled. */
  goTo(offset: number): void
  /** Label behind the body. */
  readonly exit: number
}

type Pending = { readonly change: FlagChange; readonly size: number }

/** Bodies inside a region: registers in locals, constants known, flags symbolic until they are read or control leaves. */
export class RegionBuilder extends BodyBuilder {
  readonly registers: (I64 | undefined)[] = new Array(16).fill(undefined)
  readonly dirty: Set<number> = new Set()
  readonly #at: RegionLocals
  readonly #fill: number
  edges!: Edges
  #pending: Pending | undefined
  /** Instructions retired in this block before the current one. */
  #done = 0
  #here!: RegionInsn

  constructor(code: Code, locals: Locals, cpu: I32, at: RegionLocals, helpers: HelperIndex, fill: number) {
    super(code, locals, cpu, helpers)
    this.#at = at
    this.#fill = fill
  }

  beginBlock(): void {
    this.#done = 0
    this.#pending = undefined
  }

  emit(here: RegionInsn): void {
    this.#here = here
    this.insn = here.insn
    this.locals.release()
    here.insn.row.def(this)
    this.#done++
  }

  /** Flags into their words and the block's instructions into the count: before control goes elsewhere. */
  settle(retired: number = this.#done): void {
    this.#settleFlags()
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
    return this.registers.some((r) => r?.op === local.op)
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

  openAt(address: I64, access: Access, size: number): Place {
    return openThroughTlb(this, this.#at.tlb, this.#fill, address, access, size, () => this.#leave(EXIT.MISS))
  }

  gpr(reg: number, size: 1 | 2 | 4 | 8): Place {
    return { kind: 'gpr', size, reg, high: false } as LocalPlace
  }

  address(m: MemOperand, segment: boolean): I64 {
    const { addressSize, mode } = this.insn
    const relative = m.ripRelative ? BigInt(this.#here.offset + this.insn.length) : 0n
    let at: I64 | undefined = m.ripRelative ? this.#at.pageVa : m.base >= 0 ? this.register(m.base) : undefined
    if (m.index >= 0) {
      const index = i64.shl(this.register(m.index), i64.const(m.scale))
      at = at ? i64.add(at, index) : index
    }
    const disp = i64.const(BigInt.asIntN(64, m.disp + relative))
    at = at ? i64.add(at, disp) : disp
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
    return this.let(this.trunc(high ? i64.shr_u(whole, i64.const(8)) : whole, size))
  }

  override put(place: Place, value: I64): void {
    if (place.kind === 'gpr') this.#putRegister(place as LocalPlace, value)
    else super.put(place, value)
  }

  #putRegister({ reg, high, size }: LocalPlace, value: I64): void {
    const whole = this.register(reg)
    this.dirty.add(reg)
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
    if (place.kind === 'gpr' || place.kind === 'imm') throw new TypeError('a register kept in a local has no address')
    return super.hostAddress(place)
  }

  override rmw(place: Place, next: (old: I64) => I64, locked: boolean = this.insn.lock): I64 {
    return super.rmw(place, next, locked && place.kind === 'mem')
  }

  /** The change is only noted; its operands get locals of their own, as temporaries do not outlive an instruction. */
  override flags(change: FlagChange, size: number = this.size, when?: I32): void {
    const keeps =
      when !== undefined ||
      !('r' in change) ||
      change.kind === 'inc' ||
      change.kind === 'dec' ||
      change.kind === 'result'
    if (keeps) {
      this.#settleFlags()
      super.flags(change, size, when)
      return
    }
    const { x, y, r } = this.#at
    const hold = (local: I64, value: I64): I64 => {
      if (value.shape === 'const') return value
      this.code.setLocal(local.op, value)
      return local
    }
    const held = { ...change, r: hold(r, change.r) } as FlagChange
    if ('x' in change && 'x' in held) Object.assign(held, { x: hold(x, change.x), y: hold(y, change.y) })
    this.#pending = { change: held, size }
  }

  protected flagWords(): FlagWords {
    this.#settleFlags()
    return this.#at.flags
  }

  protected setFlagWords(words: FlagWords): void {
    this.#setWords(words)
  }

  #setWords(words: FlagWords): void {
    const { fz, fs, fc } = this.#at.flags
    if (words.fz !== fz) this.code.setLocal(fz.op, words.fz)
    if (words.fs !== fs) this.code.setLocal(fs.op, words.fs)
    if (words.fc !== fc) this.code.setLocal(fc.op, words.fc)
  }

  #settleFlags(): void {
    this.#materialise()
    this.#pending = undefined
  }

  /** The pending change into the words, which stays pending: for arms that leave. */
  #materialise(): void {
    const pending = this.#pending
    if (pending) this.#setWords(changed(pending.change, pending.size, this.#at.flags, (x) => this.let(x)))
  }

  override cond(code: ConditionCode): I32 {
    const pending = this.#pending
    if (!pending) return super.cond(code)
    return this.let(conditionOf(code, pending.change, pending.size, () => i64.const(0)))
  }

  override carry(): I64 {
    const pending = this.#pending
    if (!pending) return super.carry()
    return this.let(carryOf(pending.change, pending.size, () => i64.const(0)))
  }

  override if(condition: I32, then: () => void, otherwise?: () => void): void {
    // Either arm may change flags: what is pending before must be settled for the other.
    this.#settleFlags()
    super.if(condition, () => this.#arm(then), otherwise && (() => this.#arm(otherwise)))
  }

  override loopWhile(body: () => I32): void {
    this.#settleFlags()
    super.loopWhile(() => {
      const again = body()
      this.#settleFlags()
      return again
    })
  }

  #arm(body: () => void): void {
    body()
    this.#settleFlags()
  }

  /** Out with RIP on this instruction, which was not retired; EXIT says why. */
  #leave(exit: number): void {
    const at = this.#at
    const pending = this.#pending
    this.#materialise()
    this.#pending = pending
    if (this.#done > 0) this.code.setLocal(at.count.op, i32.add(at.count, i32.const(this.#done)))
    this.code.setLocal(at.rip.op, i64.add(at.pageVa, i64.const(this.#here.offset)))
    this.code.setLocal(at.exit.op, i32.const(exit))
    this.code.br(this.edges.exit)
  }

  protected leaveToBeAlone(): void {
    this.#leave(EXIT.MISS)
  }

  fault(condition: I32, vector: number, errorCode: number = -1): void {
    this.code.if(condition, false)
    this.stateConst(CPU.VECTOR, vector)
    this.stateConst(CPU.ERROR, errorCode)
    this.#leave(EXIT.FAULT)
    this.code.end()
  }

  trap(kind: Trap): void {
    this.stateConst(CPU.TRAP, TRAP_KINDS.indexOf(kind))
    this.#leave(EXIT.TRAP)
  }

  modrm(): I32 {
    return i32.const(this.insn.modrm)
  }

  rip(): I64 {
    return this.let(i64.add(this.#at.pageVa, i64.const(this.#here.offset)))
  }

  nextRip(): I64 {
    return this.let(i64.add(this.#at.pageVa, i64.const(this.#here.offset + this.insn.length)))
  }

  jump(target: Operand): void {
    const inPage = jumpTarget(this.#here)
    this.settle(this.#done + 1)
    if (inPage !== undefined) this.edges.goTo(inPage)
    else if (target.kind !== 'rel') throw new TypeError('a jump has a displacement')
    else {
      const address = i64.add(this.#at.pageVa, i64.const(this.#here.offset + this.insn.length + target.value))
      this.out(this.insn.mode === 32 ? this.trunc(address) : address)
    }
  }

  jumpIf(condition: I32, target: Operand): void {
    const pending = this.#pending
    this.code.if(condition)
    this.jump(target)
    this.code.end()
    // Not taken: nothing was settled on this path.
    this.#pending = pending
  }

  jumpTo(rip: I64): void {
    const to = this.let(rip)
    this.settle(this.#done + 1)
    this.out(to)
  }

  /** Leaves the region for an address, all being settled. */
  out(rip: I64): void {
    this.code.setLocal(this.#at.rip.op, rip)
    this.code.setLocal(this.#at.exit.op, i32.const(EXIT.DONE))
    this.code.br(this.edges.exit)
  }

  again(): void {
    throw new TypeError('a repeated instruction is not part of a region')
  }

  finish(): void {}
}
