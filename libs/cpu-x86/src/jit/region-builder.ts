import { EXIT } from '../cold/record.ts'
import type { Decoded, Operand } from '../decode/decoded.ts'
import { CPU } from '../state/layout.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { type RegionInsn, target } from './region-code.ts'
import type { KnownOfMemory } from './region-memory.ts'
import { RegionOperands } from './region-operands.ts'
import { type Leaving, siteNumber } from './sites.ts'
import type { Flow } from './surroundings.ts'
import type { KnownFlags } from './symbolic-flags.ts'
import type { Plain } from './vector-state.ts'

/** What is known where a block begins. */
export interface BlockAt {
  readonly flags: KnownFlags
  readonly vectors: readonly Plain[]
  readonly memory: KnownOfMemory
}

/** Bodies inside a region, and the ways out of them. */
export class RegionBuilder extends RegionOperands {
  flow!: Flow
  /** Instructions retired in this block before the current one. */
  #done = 0
  /** Labels of the repeated instruction that is emitted: of its next round, and behind it. */
  #round = 0
  #behind = 0

  beginBlock({ flags, vectors, memory }: BlockAt): void {
    this.#done = 0
    this.forgetParts()
    this.memory.known = memory
    this.flagsHere = flags
    this.beginVectors(vectors)
  }

  emit(here: RegionInsn): void {
    this.insn = here.insn
    this.locals.release()
    this.beginOperands(here)
    this.beginInstruction()
    if (here.insn.rep === 0) here.insn.row.def(this)
    else this.#repeat(here.insn)
    this.#done++
  }

  /** A loop of rounds; each ends in `again` or `finish`. */
  #repeat({ row }: Decoded): void {
    const before = this.flagsHere
    const leavesFlags = row.writes !== undefined
    // A round may change what the one before it was given.
    this.forgetParts()
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
    const [here, insn, flags, done] = [this.here, this.insn, this.flagsHere, this.#done]
    const { known } = this.memory
    const vectors = this.vectorState()
    const general = this.general.here
    const parts = this.changedParts
    emit()
    this.general.here = general
    this.changedParts = parts
    this.here = here
    this.insn = insn
    this.flagsHere = flags
    this.#done = done
    this.memory.known = known
    this.setVectorState(vectors)
    // Temporaries were used again meanwhile.
    this.forgetWidths()
  }

  /** The block's instructions into the count: before control goes elsewhere. */
  retire(retired: number = this.#done): void {
    if (retired > 0) this.code.setLocal(this.kept.count.op, i32.add(this.kept.count, i32.const(retired)))
  }

  /** Out with RIP on this instruction, which was not retired. */
  leave(leaving: Leaving): void {
    const known = this.askFlags()
    const flags = typeof known === 'object' ? known : 'dynamic'
    const site = siteNumber({ leaving, offset: this.here.offset, done: this.#done, flags })
    this.code.setLocal(this.kept.site.op, i64.const(site))
    this.trimFlags()
    this.settleVectors()
    this.general.settle()
    this.code.br(this.outside.site)
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
    return this.let(this.at(this.here.offset))
  }

  nextRip(): I64 {
    return this.let(this.at(this.here.offset + this.insn.length))
  }

  /** The address of an offset. */
  at(offset: number): I64 {
    const address = i64.add(this.kept.pageVa, i64.const(offset))
    // What is in the entry's page does not reach across 4 GiB.
    return this.insn.mode === 32 && (offset < 0 || offset > 4095) ? i64.and(address, i64.const(0xffffffff)) : address
  }

  jump(operand: Operand): void {
    const here = this.here
    const to = target(here)
    this.retire(this.#done + 1)
    if (to !== undefined) this.flow.jump(here, to)
    else if (operand.kind !== 'rel') throw new TypeError('a jump has a displacement')
    else this.out(this.trunc(this.at(here.offset + here.insn.length + operand.value)))
  }

  jumpIf(condition: I32, to: Operand): void {
    this.general.settle()
    this.code.if(condition)
    this.aside(() => this.jump(to))
    this.code.end()
  }

  jumpTo(rip: I64): void {
    const to = this.let(rip)
    this.general.settle()
    this.retire(this.#done + 1)
    this.flow.jumpTo(this.here, to)
  }

  /** Leaves the region for an address, the count being settled. */
  out(rip: I64): void {
    this.declareFlags()
    this.code.setLocal(this.kept.rip.op, rip)
    this.trimFlags()
    this.settleVectors()
    this.general.settle()
    this.code.br(this.outside.done)
  }

  protected outBehind(finish: () => void): void {
    this.aside(() => {
      finish()
      this.retire(this.#done + 1)
      this.out(this.at(this.here.offset + this.insn.length))
    })
  }

  /** As in the cold tier, the vCPU may be stopped between rounds: the instruction goes on where it was. */
  again(): void {
    const { count } = this.kept
    const limit = this.let(i32.load(this.cpu, CPU.LIMIT))
    const done = this.#done === 0 ? count : i32.add(count, i32.const(this.#done))
    this.code.if(i32.ge_s(done, limit), false)
    this.aside(() => {
      this.retire()
      this.out(this.at(this.here.offset))
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
