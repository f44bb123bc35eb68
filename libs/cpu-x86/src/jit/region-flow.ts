import { CPU } from '../state/layout.ts'
import { type Code, STORE64 } from '../wasm/code.ts'
import type { I32, I64 } from '../wasm/expr.ts'
import { i32, i64 } from '../wasm/ops.ts'
import type { BlocksAt } from './effects.ts'
import type { RegionBuilder } from './region-builder.ts'
import { isIndirect, type RegionCode, type RegionInsn } from './region-code.ts'
import type { RegionGraph } from './region-graph.ts'
import type { RegionLocals } from './region-locals.ts'
import type { Flow } from './surroundings.ts'
import { emitTarget } from './targets.ts'
import { known } from './vector-state.ts'

/** Offsets that a jump by address is compared with one by one; more of them are looked up. */
const MOST_COMPARED = 4

/**
 * Writes a region's blocks with the ways between them as WebAssembly has them (Ramsey, "Beyond Relooper", 2022): what only one way
 * leads to stands at the end of that way, what several lead to behind a block that they leave, and what is led back to is a loop.
 */
export class RegionFlow implements Flow {
  readonly #code: Code
  readonly #b: RegionBuilder
  readonly #at: RegionLocals
  readonly #region: RegionCode
  readonly #graph: RegionGraph
  readonly #begin: BlocksAt
  /** Which entry a dispatcher is to lead to. */
  readonly #selector: I32
  /** Depths of the labels of loops and of blocks that are left for what stands behind them. */
  readonly #loops = new Map<number, number>()
  readonly #joins = new Map<number, number>()
  #block = 0

  constructor(code: Code, b: RegionBuilder, at: RegionLocals, region: RegionCode, graph: RegionGraph, begin: BlocksAt) {
    this.#code = code
    this.#b = b
    this.#at = at
    this.#region = region
    this.#graph = graph
    this.#begin = begin
    this.#selector = at.selector
  }

  emit(): void {
    const { entry, entered } = this.#graph
    if (entered.length === 1) this.#select(entry)
    this.#tree(entered.length > 1 ? entry : this.#graph.way(entry))
  }

  /** A node and all that it dominates. */
  #tree(node: number): void {
    const isLoop = this.#graph.isHead(node)
    if (isLoop) {
      const carried = this.#begin.carried.looped[node] ?? 0
      this.#b.general.carry(carried)
      this.#b.general.meet(carried)
      this.#code.loop()
      this.#loops.set(node, this.#code.depth)
    }
    const joined = this.#graph.merges(node)
    for (const join of [...joined].reverse()) {
      this.#code.block()
      this.#joins.set(join, this.#code.depth)
    }
    this.#node(node)
    for (const join of joined) {
      this.#code.end()
      this.#b.general.meet(this.#begin.carried.joined[join] ?? 0)
      this.#tree(join)
    }
    if (isLoop) this.#code.end()
  }

  #node(node: number): void {
    const entries = this.#graph.entriesOf(node)
    if (node === this.#graph.entry && this.#graph.entered.length > 1) this.#start(node)
    else if (entries) this.#dispatch(node, entries)
    else this.#body(node)
  }

  /** At one of the region's entries, by its place in its page. */
  #start(node: number): void {
    const { entries } = this.#region
    for (const _ of entries) this.#code.block()
    const { depth } = this.#code
    const place = this.#b.let(i32.load(this.#b.cpu, CPU.ENTRY))
    for (const [n, offset] of entries.entries()) this.#code.brIf(depth - n, i32.eq(place, i32.const(offset & 0xfff)))
    // Nothing leads to a region but by one of its entries.
    this.#code.u8(0x00)
    for (const [n, offset] of entries.entries()) {
      this.#code.end()
      this.#b.general.meet(0)
      this.#pageBehind(offset >> 12)
      const block = this.#graph.entered[n]
      this.#select(block)
      this.#enter(node, this.#graph.way(block))
    }
  }

  /** The vCPU's page is this many pages behind the entry's, from which offsets count. */
  #pageBehind(pages: number): void {
    if (pages === 0) return
    const { pageVa } = this.#at
    this.#code.setLocal(pageVa.op, i64.sub(pageVa, i64.const(pages * 4096)))
    this.#code.store(STORE64[8], this.#b.cpu, pageVa, CPU.PAGE_VA)
  }

  /** To one of the entries, by the selector. */
  #dispatch(node: number, entries: readonly number[]): void {
    for (const _ of entries) this.#code.block()
    this.#code.expr(this.#selector)
    this.#code.table(entries.length)
    for (const entry of entries) {
      this.#code.end()
      this.#b.general.meet(0)
      this.#enter(node, entry)
    }
  }

  #body(block: number): void {
    this.#block = block
    const { flags, vectors, memory } = this.#begin
    this.#b.beginBlock({ flags: flags[block], vectors: vectors.blocks[block].map(known), memory: memory[block] })
    const { insns, next, fallsThrough } = this.#region.blocks[block]
    for (const insn of insns) this.#b.emit(insn)
    if (!fallsThrough) return
    this.#b.retire()
    this.#go(block, next)
  }

  jump(_here: RegionInsn, offset: number): void {
    const from = this.#block
    this.#go(from, offset)
    this.#block = from
  }

  /** Goes on in the region where the address is one of those that were seen before. */
  jumpTo(here: RegionInsn, rip: I64): void {
    const from = this.#block
    const targets = this.#graph.targets(here)
    if (here.insn.row.returns || isIndirect(here)) {
      const offset = this.#b.let(i64.sub(rip, this.#at.pageVa))
      if (targets.length <= MOST_COMPARED) this.#compare(from, offset, targets)
      else this.#lookUp(from, offset, targets)
    }
    if (isIndirect(here)) emitTarget(this.#code, this.#b.cpu, this.#b.at(here.offset), rip)
    this.#b.out(rip)
    this.#block = from
  }

  #compare(from: number, offset: I64, targets: readonly number[]): void {
    for (const target of targets) this.#when(i64.eq(offset, i64.const(target)), from, target)
  }

  #when(condition: I32, from: number, target: number): void {
    this.#code.if(condition)
    this.#b.aside(() => this.#go(from, target))
    this.#code.end()
  }

  /** By bits of the offset that differ in all of them. */
  #lookUp(from: number, offset: I64, targets: readonly number[]): void {
    const { shift, bits } = distinguishing(targets)
    const size = 1 << bits
    const byBits = Array.from({ length: size }, (_, n) => targets.filter((to) => ((to >> shift) & (size - 1)) === n))
    this.#code.block()
    const other = this.#code.depth
    for (const _ of byBits) this.#code.block()
    this.#code.expr(i32.and(i32.shr_u(i32.wrap(offset), i32.const(shift)), i32.const(size - 1)))
    this.#code.table(size)
    for (const some of byBits) {
      this.#code.end()
      this.#compare(from, offset, some)
      this.#code.br(other)
    }
    this.#code.end()
  }

  /** To the block at an offset, if that is in the region. */
  #go(from: number, offset: number): void {
    this.#b.general.depart()
    const to = this.#graph.place(offset)
    if (to === undefined) {
      this.#b.out(this.#b.at(offset))
      return
    }
    const node = this.#graph.way(to)
    if (this.#graph.isBack(from, node)) this.#outAtLimit(offset)
    this.#arriveWithFlags(to)
    this.#b.settleVectors()
    this.#select(to)
    this.#enter(from, node)
  }

  #outAtLimit(offset: number): void {
    const limit = this.#b.let(i32.load(this.#b.cpu, CPU.LIMIT))
    this.#code.if(i32.ge_s(this.#at.count, limit), false)
    // See page-cache.ts.
    this.#code.store(STORE64[4], this.#b.cpu, i64.extend_i32_u(limit), CPU.UNUSED)
    this.#b.aside(() => this.#b.out(this.#b.at(offset)))
    this.#code.end()
  }

  #arriveWithFlags(to: number): void {
    const expected = this.#begin.flags[to]
    const here = this.#b.flagsHere
    if (expected === 'dynamic') this.#b.declareFlags()
    else if (
      expected !== 'dead' &&
      (typeof here !== 'object' || here.kind !== expected.kind || here.size !== expected.size)
    )
      throw new TypeError(`flags are ${JSON.stringify(here)} where ${JSON.stringify(expected)} was found before`)
  }

  #select(to: number): void {
    const node = this.#graph.way(to)
    if (node !== to)
      this.#code.setLocal(this.#selector.op, i32.const((this.#graph.entriesOf(node) as readonly number[]).indexOf(to)))
  }

  #enter(from: number, node: number): void {
    const { looped, joined } = this.#begin.carried
    if (this.#graph.isBack(from, node)) {
      this.#b.general.carry(looped[node] ?? 0)
      this.#code.br(this.#loops.get(node) as number)
    } else if (this.#graph.isMerge(node)) {
      this.#b.general.carry(joined[node] ?? 0)
      this.#code.br(this.#joins.get(node) as number)
    } else this.#tree(node)
  }
}

/** Few bits that differ between all of the numbers, or most of them. */
function distinguishing(numbers: readonly number[]): { readonly shift: number; readonly bits: number } {
  let best = { shift: 0, bits: 1, different: 0 }
  for (let bits = 2; bits <= 7; bits++)
    for (let shift = 0; shift < 12; shift++) {
      const different = new Set(numbers.map((n) => (n >> shift) & ((1 << bits) - 1))).size
      if (different > best.different) best = { shift, bits, different }
    }
  return best
}
