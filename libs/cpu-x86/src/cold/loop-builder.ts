import type { HelperIndex } from '../builder/body.ts'
import type { Access, Place } from '../builder/builder.ts'
import type { FlagWords } from '../builder/flag-words.ts'
import type { Locals } from '../builder/locals.ts'
import type { Operand } from '../decode/decoded.ts'
import { emitTarget } from '../jit/targets.ts'
import { CPU } from '../state/layout.ts'
import type { Code } from '../wasm/code.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { EXIT, HANDLER_MASK, REC } from './record.ts'
import { openThroughTlb, RecordBuilder } from './record-builder.ts'
import { emitCall, emitReturn } from './returns.ts'

/** Locals of the loop function that live from one instruction to the next. */
export interface LoopLocals {
  readonly rec: I32
  /** First record of the straight run being executed. */
  readonly start: I32
  readonly count: I32
  readonly tlb: I32
  /** What counts of handlers: whether regions are run. */
  readonly mask: I32
  /** Why the loop is left. */
  readonly exit: I32
  /** Where a taken jump goes: a record, or an address; and the record whose TARGET may be linked to it. */
  readonly next: I32
  readonly target: I64
  readonly link: I32
  readonly pageVa: I64
  readonly flags: FlagWords
}

/** Labels of the loop, as depths. */
export interface LoopLabels {
  readonly loop: number
  readonly taken: number
  /** Goes on at the record `next`, which is that of the address `target`. */
  readonly found: number
  readonly slow: number
  /** `fill` has found no frame. */
  readonly miss: number
  readonly trap: number
  readonly exit: number
}

/** Bodies inside the cold tier's main loop. */
export class LoopBuilder extends RecordBuilder {
  readonly #at: LoopLocals
  readonly #fill: number
  readonly #dummy: I32
  labels!: LoopLabels

  constructor(code: Code, locals: Locals, cpu: I32, at: LoopLocals, helpers: HelperIndex, fill: number, dummy: I32) {
    super(code, locals, cpu, at.rec, helpers)
    this.#at = at
    this.#fill = fill
    this.#dummy = dummy
  }

  protected flagWords(): FlagWords {
    return this.#at.flags
  }

  protected setFlagWords(words: FlagWords): void {
    const { fz, fs, fc } = this.#at.flags
    if (words.fz !== fz) this.code.setLocal(fz.op, words.fz)
    if (words.fs !== fs) this.code.setLocal(fs.op, words.fs)
    if (words.fc !== fc) this.code.setLocal(fc.op, words.fc)
  }

  protected override pageVa(): I64 {
    return this.#at.pageVa
  }

  openAt(address: I64, access: Access, size: number): Place {
    return openThroughTlb(this, this.#at.tlb, this.#fill, address, access, size, () => this.code.br(this.labels.miss))
  }

  override trap(): void {
    this.stateConst(CPU.TRAP, this.trapKind())
    this.code.br(this.labels.trap)
  }

  leave(code: number): void {
    this.code.setLocal(this.#at.exit.op, i32.const(code))
    this.code.br(this.labels.exit)
  }

  finish(): void {
    this.code.setLocal(this.rec.op, i32.add(this.rec, i32.const(REC.BYTES)))
    this.code.br(this.labels.loop)
  }

  jump(_target: Operand): void {
    this.#call()
    this.code.setLocal(this.#at.next.op, i32.load(this.rec, REC.TARGET))
    this.code.brIf(this.labels.taken, this.#at.next)
    this.code.setLocal(this.#at.link.op, this.rec)
    this.#slow(this.targetRip())
  }

  jumpIf(condition: I32, target: Operand): void {
    this.code.if(condition)
    this.jump(target)
    this.code.end()
    this.finish()
  }

  jumpTo(rip: I64): void {
    const { link, next, target } = this.#at
    this.#call()
    this.code.setLocal(link.op, this.#dummy)
    this.code.setLocal(target.op, rip)
    if (!this.insn.row.returns) this.#noteTarget(rip)
    if (this.insn.row.returns) emitReturn(this.code, this.cpu, next, rip, () => this.code.br(this.labels.found))
    this.code.br(this.labels.slow)
  }

  /** For the regions that are made of this (jit/targets.ts): not while none are. */
  #noteTarget(rip: I64): void {
    this.code.if(i32.eq(this.#at.mask, i32.const(HANDLER_MASK.REGIONS)))
    emitTarget(this.code, this.cpu, this.rip(), rip)
    this.code.end()
  }

  #call(): void {
    if (this.insn.row.calls) emitCall(this.code, this.cpu, this.rec, this.nextRip(), this.#at.pageVa)
  }

  #slow(rip: I64): void {
    this.code.setLocal(this.#at.target.op, rip)
    this.code.br(this.labels.slow)
  }

  again(): void {
    const { count, start } = this.#at
    const done = i32.add(count, i32.shr_s(i32.sub(this.rec, start), i32.const(REC.SHIFT)))
    this.code.if(i32.ge_s(done, i32.load(this.cpu, CPU.LIMIT)), false)
    this.leave(EXIT.LIMIT)
    this.code.end()
    this.code.br(this.labels.loop)
  }

  /** A record that only leads on: it does not count. */
  continueOn(): void {
    this.code.setLocal(this.#at.start.op, i32.add(this.#at.start, i32.const(REC.BYTES)))
    this.code.setLocal(this.#at.next.op, i32.load(this.rec, REC.TARGET))
    this.code.brIf(this.labels.taken, this.#at.next)
    this.code.setLocal(this.#at.link.op, this.rec)
    this.#slow(i64.add(this.#at.pageVa, i64.load32_u(this.rec, REC.IMM)))
  }
}
