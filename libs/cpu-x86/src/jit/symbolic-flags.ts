import { BodyBuilder, type HelperIndex } from '../builder/body.ts'
import type { ConditionCode, FlagChange, PlainChange } from '../builder/builder.ts'
import { carryOf, conditionOf } from '../builder/flag-bits.ts'
import { changed, condition, type FlagWords } from '../builder/flag-words.ts'
import type { Locals } from '../builder/locals.ts'
import { CPU } from '../state/layout.ts'
import { type Code, STORE32, STORE64 } from '../wasm/code.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import { changeOf, type FlagState, flagCode, type Operands, pending, valuesOf, WORDS, wordsOf } from './flag-state.ts'

/**
 * How the flags are known at a place: statically; by a local of the function; as what a block begins with, where that is still to be
 * found out (flag-flow.ts); not at all, as nobody asks.
 */
export type KnownFlags = FlagState | 'dynamic' | 'incoming' | 'dead'

/** Where a function has the flags. */
export interface FlagLocals {
  readonly values: Operands
  /** How they are kept, where that is not known while the region is made: as FLAG_STATE. */
  readonly state: I32
}

const NO_WORDS: FlagWords = { fz: i64.const(0), fs: i64.const(0), fc: i64.const(0) }

/** Bodies whose flags are what set them last left, until they are read. */
export abstract class SymbolicFlags extends BodyBuilder {
  readonly #values: Operands
  readonly #state: I32
  /** Index of the function that makes words of them in memory. */
  readonly #settle: number
  flagsHere: KnownFlags = 'dynamic'
  /** Whether it mattered what the block began with. */
  isAsking = false

  constructor(code: Code, locals: Locals, cpu: I32, helpers: HelperIndex, flags: FlagLocals, settle: number) {
    super(code, locals, cpu, helpers)
    this.#values = flags.values
    this.#state = flags.state
    this.#settle = settle
  }

  /** The flags as they are here matter. */
  protected askFlags(): KnownFlags {
    if (this.flagsHere === 'dead')
      throw new TypeError(`${this.insn.row.name} asks for flags that were taken to be dead`)
    if (this.flagsHere === 'incoming') this.isAsking = true
    return this.flagsHere
  }

  /** The local says how the flags are kept: before control goes where that is not known. */
  declareFlags(): void {
    const known = this.askFlags()
    if (typeof known === 'object') this.code.setLocal(this.#state.op, i32.const(flagCode(known)))
  }

  /** What is not of the flags here is kept alive by nobody. */
  protected trimFlags(): void {
    const known = this.askFlags()
    if (typeof known !== 'object') return
    const { p, q, r } = this.#values
    const used = valuesOf(known.kind)
    for (const [n, local] of [p, q, r].entries()) if (n >= used) this.code.setLocal(local.op, i64.const(0))
  }

  /** The operands of a change are only kept; they get locals of their own, as temporaries do not outlive an instruction. */
  override flags(change: FlagChange, size: number = this.size, when?: I32): void {
    const isCompared = this.insn.row.name === 'cmp'
    const kept = when === undefined ? pending(change, isCompared, () => this.carry()) : undefined
    if (!kept) {
      // What replaces all of them need not know what they were.
      if (when === undefined && (change.kind === 'result' || change.kind === 'bits'))
        this.setFlagWords(changed(change, size, NO_WORDS, (x) => this.let(x)))
      else super.flags(change, size, when)
      return
    }
    const { p, q, r } = this.#values
    this.code.setLocal(p.op, kept.p)
    if (kept.q) this.code.setLocal(q.op, kept.q)
    if (kept.r) this.code.setLocal(r.op, kept.r)
    this.flagsHere = { kind: kept.kind, size }
  }

  protected flagWords(): FlagWords {
    this.#settleFlags()
    const { p, q, r } = this.#values
    return { fz: p, fs: q, fc: r }
  }

  /** All of them are computed before the first is changed: they may be of each other. */
  protected setFlagWords(words: FlagWords): void {
    const { p, q, r } = this.#values
    const changes = [
      [p, words.fz],
      [q, words.fs],
      [r, words.fc],
    ].filter(([local, word]) => local !== word)
    for (const [, word] of changes) this.code.expr(word)
    for (const [local] of changes.reverse()) this.code.popLocal(local.op)
    this.flagsHere = WORDS
  }

  #settleFlags(): void {
    const known = this.askFlags()
    if (typeof known !== 'object') this.#settleUnknown()
    else if (known.kind !== 'words') this.setFlagWords(wordsOf(known, this.#values, (x) => this.let(x)))
    this.flagsHere = WORDS
  }

  #settleUnknown(): void {
    const { p, q, r } = this.#values
    const words = [
      [p, CPU.FZ],
      [q, CPU.FS],
      [r, CPU.FC],
    ] as const
    this.code.if(this.#state, false)
    for (const [local, at] of words) this.code.store(STORE64[8], this.cpu, local, at)
    this.code.store(STORE32, this.cpu, this.#state, CPU.FLAG_STATE)
    this.code.call(this.#settle, this.cpu)
    for (const [local, at] of words) this.code.setLocal(local.op, i64.load(this.cpu, at))
    this.code.end()
  }

  /** The change that the flags were left by, if that is known and they are not words. */
  #change(): { readonly change: PlainChange; readonly size: number } | undefined {
    const known = this.askFlags()
    if (typeof known !== 'object' || known.kind === 'words') return undefined
    return { change: changeOf(known, this.#values), size: known.size }
  }

  override cond(code: ConditionCode): I32 {
    const known = this.#change()
    if (!known) return this.#asWords((words) => this.let(condition(code, words)))
    return this.let(conditionOf(code, known.change, known.size, () => this.#values.q))
  }

  override carry(): I64 {
    const known = this.#change()
    if (!known) return this.#asWords(() => super.carry())
    return this.let(carryOf(known.change, known.size, () => this.#values.q))
  }

  /** What the block begins with may be known, and then is not settled by looking at it. */
  #asWords<T>(look: (words: FlagWords) => T): T {
    const before = this.flagsHere
    const result = look(this.flagWords())
    if (before === 'incoming') this.flagsHere = before
    return result
  }

  /** Either arm may change the flags: if one does, the local says behind them what they are. */
  override if(condition: I32, then: () => void, otherwise?: () => void): void {
    const before = this.flagsHere
    let isChanged = false
    if (typeof before === 'object') this.declareFlags()
    const arm = (body: () => void): void => {
      this.flagsHere = before
      body()
      if (this.flagsHere === before) return
      isChanged = true
      this.declareFlags()
    }
    super.if(condition, () => arm(then), otherwise && (() => arm(otherwise)))
    this.flagsHere = before
    if (!isChanged) return
    // The other arm leaves what was there before.
    this.askFlags()
    this.flagsHere = 'dynamic'
  }

  override loopWhile(body: () => I32): void {
    this.declareFlags()
    this.flagsHere = 'dynamic'
    super.loopWhile(() => {
      const again = body()
      this.declareFlags()
      this.flagsHere = 'dynamic'
      return again
    })
  }
}
