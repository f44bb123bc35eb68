import { BodyBuilder, type HelperIndex, type HostPlace } from '../builder/body.ts'
import type { Access, Place } from '../builder/builder.ts'
import type { FlagWords } from '../builder/flag-words.ts'
import type { Locals } from '../builder/locals.ts'
import type { Decoded, MemOperand, Operand } from '../decode/decoded.ts'
import { dataEntry } from '../mmu/data-tlb-code.ts'
import { MAY_COPY, WITHIN_PAGE } from '../mmu/fill.ts'
import { CPU, TLB } from '../state/layout.ts'
import { type Code, STORE64 } from '../wasm/code.ts'
import { Expr, type I32, type I64 } from '../wasm/expr.ts'
import { i32, i64, select } from '../wasm/ops.ts'
import { EXIT, OFFSET_BITS, OFFSET_MASK, REC, STACK_OPERAND } from './record.ts'
import { hasWideAddress, OPERAND_SLOTS, placeOfConstant } from './record-shape.ts'

/** An immediate in a record. */
interface ConstantPlace extends HostPlace {
  readonly isWide: boolean
}

/**
 * Binds definitions to decoded records: operands are offsets and numbers read from the record at run time, so one body serves
 * every instruction of its form. How memory is opened and how an instruction ends is left to the kind of body.
 */
export abstract class RecordBuilder extends BodyBuilder {
  protected readonly rec: I32

  constructor(code: Code, locals: Locals, cpu: I32, rec: I32, helpers: HelperIndex) {
    super(code, locals, cpu, helpers)
    this.rec = rec
  }

  /** Leaves the body with a code of EXIT. */
  protected abstract leave(code: number): void

  protected leaveToBeAlone(): void {
    this.leave(EXIT.MISS)
  }

  /** Emits one body; the instruction's operands are distinct objects. */
  emit(insn: Decoded): void {
    this.insn = insn
    this.locals.release()
    insn.row.def(this)
    if (!insn.row.ends) this.finish()
  }

  open(operand: Operand, access: Access, size?: number): Place {
    switch (operand.kind) {
      case 'mem':
        return this.openAt(this.address(operand, true), access, size ?? operand.size)
      case 'imm':
        return this.#constant(this.insn.operands.indexOf(operand), size ?? this.size)
      case 'reg':
        return this.#slot(operand, 'gpr', size ?? operand.size)
      case 'xmm':
      case 'mmx':
        return this.#slot(operand, 'xmm', size ?? operand.size)
      default:
        throw new TypeError(`a ${operand.kind} operand has no place`)
    }
  }

  #slot(operand: Operand, kind: Place['kind'], size: number): HostPlace {
    const n = this.insn.operands.indexOf(operand)
    return { kind, size, host: this.let(i32.add(this.cpu, i32.load16_u(this.rec, OPERAND_SLOTS[n]))), offset: 0 }
  }

  #constant(n: number, size: number): ConstantPlace {
    const { at, isWide } = placeOfConstant(this.insn, n)
    return { kind: 'imm', size, host: this.rec, offset: at, isWide }
  }

  override get(place: Place): I64 {
    const { kind, host, offset, size } = place as HostPlace
    if (kind !== 'imm' || size < 8 || (place as ConstantPlace).isWide) return super.get(place)
    return this.let(i64.load32_s(host, offset))
  }

  /** What is at the offset from the vCPU that the record has at `slot`. */
  #register(slot: number): I64 {
    return i64.load(i32.add(this.cpu, i32.load16_u(this.rec, slot)))
  }

  gpr(index: number, size: 1 | 2 | 4 | 8): HostPlace {
    return { kind: 'gpr', size, host: this.cpu, offset: CPU.GPR + index * 8 }
  }

  known(): bigint | undefined {
    return undefined
  }

  address(operand: MemOperand, segment: boolean): I64 {
    const { addressSize, mode, operands } = this.insn
    const added = i64.load16_u(this.rec, OPERAND_SLOTS[operands.indexOf(operand)])
    const base = i64.add(this.#register(REC.BASE), added)
    const disp = hasWideAddress(this.insn) ? i64.load(this.rec, REC.WIDE) : i64.load32_s(this.rec, REC.DISP)
    const shape = addressShape(operand, addressSize)
    if (shape === 'm') return i64.add(base, disp)
    const scale = i64.load8_u(this.rec, REC.SCALE)
    const index = i64.shl(this.#register(REC.INDEX), scale)
    const whole = i64.add(i64.add(base, index), disp)
    const offset = shape === 'x' ? whole : i64.and(whole, i64.const(addressSize === 4 ? 0xffffffff : 0xffff))
    if (!segment) return offset
    const sum = i64.add(offset, this.#register(REC.SEGMENT))
    // Whether there is a segment is in the record, the exemplar of the form does not tell.
    return mode === 32 ? this.trunc(sum, 4) : sum
  }

  modrm(): I32 {
    return i32.load8_u(this.rec, REC.MODRM)
  }

  rip(): I64 {
    return this.let(addressOf(this.rec, this.pageVa()))
  }

  nextRip(): I64 {
    const length = i64.shr_u(i64.load16_u(this.rec, REC.PLACE), i64.const(OFFSET_BITS))
    return this.let(i64.add(addressOf(this.rec, this.pageVa()), length))
  }

  protected pageVa(): I64 {
    return i64.load(this.cpu, CPU.PAGE_VA)
  }

  /** Where the displacement operand leads. It wraps at the operand size in 32-bit mode. */
  protected targetRip(): I64 {
    const target = i64.add(this.nextRip(), i64.load32_s(this.rec, REC.IMM))
    return this.insn.mode === 32 ? this.trunc(target) : target
  }

  fault(condition: I32, vector: number, errorCode: number = -1): void {
    this.code.if(condition, false)
    this.stateConst(CPU.VECTOR, vector)
    this.stateConst(CPU.ERROR, errorCode)
    this.leave(EXIT.FAULT)
    this.code.end()
  }

  trap(): void {
    this.stateConst(CPU.TRAP, this.trapKind())
    this.leave(EXIT.TRAP)
  }
}

/** Of the instruction of a record in a page. */
export function addressOf(rec: I32, pageVa: I64): I64 {
  return i64.add(pageVa, i64.and(i64.load16_u(rec, REC.PLACE), i64.const(OFFSET_MASK)))
}

/** m: base + displacement; x: with index, scale and segment; a, w: the same cut to 32 or 16 bits before the segment is added. */
export function addressShape(operand: MemOperand, addressSize: number): 'm' | 'x' | 'a' | 'w' {
  if (addressSize !== 8) return addressSize === 4 ? 'a' : 'w'
  if (operand.index >= 0) return 'x'
  return operand.segment === 'none' || segmentIsBase(operand, addressSize) ? 'm' : 'x'
}

/**
 * The segment base stands in for an absent base register. Not where only the offset may be meant (lea: size 0), and not where the
 * offset is cut before the base is added.
 */
export function segmentIsBase(operand: MemOperand, addressSize: number): boolean {
  if (addressSize !== 8 || operand.segment === 'none' || operand.size === 0) return false
  return operand.base < 0 && operand.index < 0 && !operand.ripRelative
}

/** Bodies that are functions of their own: (vCPU, record) -> EXIT. Flags are in memory. */
abstract class FunctionBuilder extends RecordBuilder {
  protected flagWords(): FlagWords {
    const load = (offset: number) => this.let(i64.load(this.cpu, offset))
    return { fz: load(CPU.FZ), fs: load(CPU.FS), fc: load(CPU.FC) }
  }

  protected setFlagWords(words: FlagWords): void {
    this.code.store(STORE64[8], this.cpu, words.fz, CPU.FZ)
    this.code.store(STORE64[8], this.cpu, words.fs, CPU.FS)
    this.code.store(STORE64[8], this.cpu, words.fc, CPU.FC)
  }

  protected leave(code: number): void {
    this.code.return(i32.const(code))
  }
}

/** Opens memory through the TLB, with a call of the filler where it has no entry. Shared by the loop and out-of-line bodies. */
export function openThroughTlb(
  b: {
    readonly code: Code
    readonly cpu: I32
    readonly insn: Decoded
    let<T extends 'i32' | 'i64'>(e: Expr<T>): Expr<T>
    variable(t: 'i32'): I32
  },
  tlb: I32,
  fill: number,
  address: I64,
  access: Access,
  size: number,
  miss: () => void,
): HostPlace {
  const write = access !== 'r'
  const va = b.let(address)
  const entry = b.let(dataEntry(tlb, va))
  const host = b.let(i32.add(i32.wrap(va), i32.load(entry, TLB.ADDEND)))
  const last = size > 1 ? i64.add(va, i64.const(size - 1)) : va
  b.code.if(i64.ne(i64.and(last, i64.const(-4096)), i64.load(entry, write ? TLB.WRITE_TAG : TLB.READ_TAG)), false)
  // What repeats goes by how far its page reaches.
  const how = (write ? 1 : 0) | (b.insn.rep !== 0 ? WITHIN_PAGE : write ? 0 : MAY_COPY)
  b.code.setLocal(host.op, new Expr('i32', 'call', fill, [b.cpu, va, i32.const((size << 1) | how)]))
  b.code.if(i32.eqz(host), false)
  miss()
  b.code.end()
  b.code.end()
  return { kind: 'mem', size, host, offset: 0 }
}

/** Out-of-line bodies of the cold tier: instructions that fall through. */
export class OutOfLineBuilder extends FunctionBuilder {
  readonly #fill: number

  constructor(code: Code, locals: Locals, cpu: I32, rec: I32, helpers: HelperIndex, fill: number) {
    super(code, locals, cpu, rec, helpers)
    this.#fill = fill
  }

  /** A form that ends a block but is not in the loop (rare address sizes, 32-bit code) goes to the slow step. */
  override emit(insn: Decoded): void {
    if (insn.row.ends) this.leave(EXIT.MISS)
    else super.emit(insn)
  }

  openAt(address: I64, access: Access, size: number): Place {
    const tlb = i32.load(this.cpu, CPU.TLB)
    return openThroughTlb(this, tlb, this.#fill, address, access, size, () => this.leave(EXIT.MISS))
  }

  finish(): void {
    this.leave(EXIT.DONE)
  }

  jump(): void {
    throw new TypeError('a jump has no out-of-line body')
  }
  jumpIf(): void {
    throw new TypeError('a jump has no out-of-line body')
  }
  jumpTo(): void {
    throw new TypeError('a jump has no out-of-line body')
  }
  again(): void {
    throw new TypeError('a repeated instruction has no out-of-line body')
  }
}

/** Bodies for one instruction at a time, with memory opened by TypeScript: page-crossing, watched and emulated accesses. */
export class StepBuilder extends FunctionBuilder {
  readonly #slow: number

  constructor(code: Code, locals: Locals, cpu: I32, rec: I32, helpers: HelperIndex, slow: number) {
    super(code, locals, cpu, rec, helpers)
    this.#slow = slow
  }

  openAt(address: I64, access: Access, size: number, stack: boolean = false): Place {
    const how = (access === 'r' ? 0 : access === 'w' ? 1 : 3) | (stack ? 4 : 0)
    this.code.store(STORE64[8], this.cpu, address, CPU.ADDRESS)
    const info = i32.or(i32.const((size << 3) | how), this.#stackOperand())
    const host = this.let(new Expr('i32', 'call', this.#slow, [this.cpu, info]))
    this.code.if(i32.eqz(host), false)
    this.leave(EXIT.FAULT)
    this.code.end()
    return { kind: 'mem', size, host, offset: 0 } as HostPlace
  }

  /** In a bounce buffer only the place itself. */
  override reach(place: Place, backward: boolean = false): I32 {
    return select(this.#inBuffer(place as HostPlace), i32.const(place.size), super.reach(place, backward))
  }

  #inBuffer({ host }: HostPlace): I32 {
    return i32.lt_u(i32.sub(i32.sub(host, this.cpu), i32.const(CPU.BOUNCE)), i32.const(CPU.BOUNCE_BYTES))
  }

  protected override notAtomic(place: HostPlace): I32 {
    const inBuffer = this.#inBuffer(place)
    const misaligned = super.notAtomic(place)
    return misaligned ? i32.or(inBuffer, misaligned) : inBuffer
  }

  protected override leaveToBeAlone(): void {
    this.leave(EXIT.ALONE)
  }

  /** 4 if the memory operand is of the stack segment: forms do not tell, records do. */
  #stackOperand(): I32 {
    if (!this.insn.operands.some((o) => o.kind === 'mem')) return i32.const(0)
    return i32.shr_u(i32.and(i32.load8_u(this.rec, REC.SCALE), i32.const(STACK_OPERAND)), i32.const(5))
  }

  finish(): void {
    this.#goTo(this.nextRip())
  }

  jump(): void {
    this.#goTo(this.targetRip())
  }

  jumpIf(condition: I32): void {
    this.code.if(condition)
    this.jump()
    this.code.end()
    this.finish()
  }

  jumpTo(rip: I64): void {
    this.#goTo(rip)
  }

  again(): void {
    this.leave(EXIT.AGAIN)
  }

  #goTo(rip: I64): void {
    this.code.store(STORE64[8], this.cpu, rip, CPU.RIP)
    this.leave(EXIT.DONE)
  }
}
