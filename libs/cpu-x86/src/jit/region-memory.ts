import type { HostPlace } from '../builder/body.ts'
import type { Locals } from '../builder/locals.ts'
import { EXIT } from '../cold/record.ts'
import { RSP } from '../insn/register-numbers.ts'
import { MAY_COPY, WITHIN_PAGE } from '../mmu/fill.ts'
import { OPENED_ENTRY } from '../mmu/open.ts'
import type { Code } from '../wasm/code.ts'
import { Expr, type I32, type I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import type { LinearValues } from './linear.ts'
import { cacheEntry, FS, openPage, registersIn, segmentOf } from './page-cache.ts'
import { accessKey, type BlockAccess, type Reach, type Reached } from './reach.ts'
import type { Leaving } from './sites.ts'
import { STEADY_PAGE } from './steady.ts'
import type { Outside } from './surroundings.ts'

const GENERAL_PROTECTION = 13

/** What is noted of a block that is emitted for nothing. */
export interface Trace {
  readonly values: LinearValues
  readonly accesses: BlockAccess[]
  readonly small: Map<number, number>
}

/** What is known where a block begins. */
export interface KnownOfMemory {
  /** Accesses that share a look for their page. */
  readonly reached: ReadonlyMap<number, Reached>
  /** See `steadyRegisters`. */
  readonly steady: number
  /** By accesses' keys: bits of registers that are small there, so that all that they lead to is near. */
  readonly small: ReadonlyMap<number, number>
}

/** What of a builder is needed here. */
interface Surroundings {
  readonly code: Code
  readonly cpu: I32
  let<T extends 'i32' | 'i64'>(e: Expr<T>): Expr<T>
  fault(condition: I32, vector: number, errorCode: number): void
  readonly general: { readonly isCertain: boolean; settle(): void }
  /** Out with RIP on this instruction. */
  leave(leaving: Leaving): void
  baseOf(local: Expr): number | 'page' | undefined
}

const access = (size: number, write: boolean): number => (size << 1) | (write ? 1 : 0)

/** How a region's instructions get at memory. */
export class RegionMemory {
  readonly #b: Surroundings
  readonly #locals: Locals
  readonly #outside: Outside
  /** See `cacheEntry`. */
  readonly #far = new Map<string, number>()
  /** Host addresses of what was looked for, by `Reach.slot`. */
  readonly #hosts: I32[] = []
  known: KnownOfMemory = { reached: new Map(), steady: 0, small: new Map() }
  trace: Trace | undefined
  /** Of the instruction: its offset, and its accesses so far. */
  #offset = 0
  #opened = 0
  /** Bits of registers, at the access. */
  #small = 0

  constructor(b: Surroundings, locals: Locals, outside: Outside) {
    this.#b = b
    this.#locals = locals
    this.#outside = outside
  }

  beginInstruction(offset: number): void {
    this.#offset = offset
    this.#opened = 0
    this.trace?.values.beginInstruction()
  }

  /** A general register is changed; to a value, if it is given, of all its bits or of those but for the high half. */
  assign(register: number, value: I64 | undefined, whole: boolean): void {
    this.trace?.values.assign(register, this.#b.general.isCertain ? value : undefined, whole)
  }

  open(address: I64, write: boolean, size: number, isAligned: boolean): HostPlace {
    const key = accessKey(this.#offset, this.#opened++)
    const linear = this.#b.general.isCertain ? this.trace?.values.of(address) : undefined
    if (linear) this.trace?.accesses.push({ key, address: linear, size, write, isAligned })
    if (this.trace?.values.small) this.trace.small.set(key, this.trace.values.small)
    this.#small = this.known.small.get(key) ?? 0
    const reached = this.#b.general.isCertain ? this.known.reached.get(key) : undefined
    return reached ? this.#reach(reached, address, size, isAligned) : this.#alone(address, write, size, isAligned)
  }

  #alone(address: I64, write: boolean, size: number, isAligned: boolean): HostPlace {
    this.#b.general.settle()
    const va = this.#b.let(address)
    const host = this.#locals.temporary('i32')
    const entry = this.#cacheEntry(address, write)
    const sure = isAligned ? 'aligned' : undefined
    // What repeats goes by how far its page reaches.
    const how = access(size, write) | (!this.#b.general.isCertain ? WITHIN_PAGE : write ? 0 : MAY_COPY)
    openPage(this.#b, { tlb: this.#outside.tlb, entry }, { va, size, write, sure }, host, () => {
      if (isAligned) this.#faultUnlessAligned(i32.wrap(va))
      this.#find(entry, va, how, host, { exit: EXIT.MISS })
    })
    return { kind: 'mem', size, host, offset: 0 }
  }

  #reach(
    { reach, leads, offset, isSurelyAligned }: Reached,
    address: I64,
    size: number,
    isAligned: boolean,
  ): HostPlace {
    const host = this.#host(reach.slot)
    const within = offset - reach.from
    if (leads) this.#look(address, reach, host, isAligned)
    else if (isAligned && !isSurelyAligned) this.#faultUnlessAligned(i32.add(host, i32.const(within)))
    return { kind: 'mem', size, host, offset: within }
  }

  /** For all that is reached from this access on. Where that does not lie in one page records do the accesses, one by one. */
  #look(address: I64, { from, to, write, isWithin }: Reach, host: I32, isAligned: boolean): void {
    this.#b.general.settle()
    const first = this.#b.let(address)
    if (isAligned) this.#faultUnlessAligned(i32.wrap(first))
    const va = from === 0 ? first : this.#b.let(i64.add(first, i64.const(from)))
    const entry = this.#cacheEntry(address, write)
    const size = to - from
    const sure = isWithin ? 'within' : undefined
    openPage(this.#b, { tlb: this.#outside.tlb, entry }, { va, size, write, sure }, host, () =>
      this.#find(entry, va, access(size, write), host, { exit: EXIT.APART }),
    )
  }

  #faultUnlessAligned(address: I32): void {
    this.#b.fault(i32.and(address, i32.const(15)), GENERAL_PROTECTION, 0)
  }

  /** Has the page put where `openPage` looks for it. @param how as for `fill` */
  #find(entry: number | undefined, va: I64, how: number, host: I32, otherwise: Leaving): void {
    const { code, cpu } = this.#b
    const { open, fill } = this.#outside
    if (entry === undefined) {
      code.setLocal(host.op, new Expr('i32', 'call', fill, [cpu, va, i32.const(how)]))
      code.if(i32.eqz(host), false)
    } else {
      // The entry has a page, not a copy.
      const info = i32.const((entry << OPENED_ENTRY) | (how & ~MAY_COPY))
      code.if(i32.eqz(new Expr('i32', 'call', open, [cpu, va, info])), false)
    }
    this.#b.leave(otherwise)
    code.end()
  }

  #host(slot: number): I32 {
    this.#hosts[slot] ??= this.#locals.named('i32')
    return this.#hosts[slot]
  }

  /** Of the page cache; undefined for what is better looked for in the TLB. */
  #cacheEntry(address: I64, write: boolean): number | undefined {
    const baseOf = (local: Expr) => this.#b.baseOf(local)
    const steady = this.known.steady | this.#small | (1 << RSP)
    const isSteady = (base: number | 'page') => (steady & (base === 'page' ? STEADY_PAGE : 1 << base)) !== 0
    const bases = registersIn(address, baseOf)
    const isNearCode = bases.length === 0 && segmentOf(address) !== FS
    return (isNearCode ? isSteady('page') : bases.every(isSteady))
      ? cacheEntry(address, write, baseOf, this.#far)
      : undefined
  }
}
