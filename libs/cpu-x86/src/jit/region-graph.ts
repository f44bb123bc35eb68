import { findLoops } from './loops.ts'
import { type Block, type RegionCode, type RegionInsn, target } from './region-code.ts'
import { returnTargets } from './region-returns.ts'

export interface Loop {
  /** May be a dispatcher. */
  readonly head: number
  /** Its blocks. */
  readonly inside: readonly number[]
}

/**
 * The flow of control between a region's blocks, by their places in `RegionCode.blocks`; a node that leads to several entries and
 * dispatchers (loops.ts) are numbered behind them. Each loop has one head, which dominates it.
 */
export class RegionGraph {
  readonly #blocks: readonly Block[]
  readonly #places: ReadonlyMap<number, number>
  readonly #targets: RegionCode['targets']
  readonly #returns: ReadonlyMap<number, readonly number[]>
  /** Blocks that dispatchers lead to. */
  readonly #dispatchers = new Map<number, number>()
  readonly #entriesOf = new Map<number, readonly number[]>()
  readonly #heads: ReadonlySet<number>
  /** Place in the reverse postorder. */
  readonly #order = new Map<number, number>()
  /** Nodes from which ways lead to a node. */
  readonly #before = new Map<number, number[]>()
  /** Those of them that are no ways back. */
  readonly #forward = new Map<number, readonly number[]>()
  readonly #children = new Map<number, number[]>()
  /** The node that the region begins at: the block at the entry; where there are several, a node that leads to their blocks. */
  readonly entry: number
  /** Blocks at which it is entered. */
  readonly entered: readonly number[]
  /** Nodes in reverse postorder. */
  readonly sequence: readonly number[]
  /** Outer ones before those in them. */
  readonly loops: readonly Loop[]

  constructor(code: RegionCode) {
    this.#blocks = code.blocks
    this.#places = new Map(code.blocks.map(({ offset }, n) => [offset, n]))
    this.#targets = code.targets
    this.#returns = returnTargets(code)
    this.entered = code.entries.map((offset) => this.#places.get(offset) as number)
    const direct = code.blocks.map((block) => this.#successors(block))
    if (this.entered.length > 1) direct.push([...this.entered])
    this.entry = this.entered.length > 1 ? code.blocks.length : this.entered[0]
    const nodes = reversePostorder(this.entry, (node) => direct[node])
    const { dispatchers, heads } = findLoops(nodes, this.entry, (node) => direct[node], direct.length)
    this.#heads = heads
    for (const { node, entries } of dispatchers) {
      this.#entriesOf.set(node, entries)
      for (const to of entries) this.#dispatchers.set(to, node)
    }
    const ways = (node: number): readonly number[] =>
      this.#entriesOf.get(node) ?? direct[node].map((to) => this.way(to))
    this.sequence = reversePostorder(this.way(this.entry), ways)
    for (const [n, node] of this.sequence.entries()) this.#order.set(node, n)
    this.#connect(ways)
    this.loops = this.sequence.filter((node) => this.isHead(node)).map((head) => ({ head, inside: this.#loop(head) }))
  }

  #connect(ways: (node: number) => readonly number[]): void {
    for (const node of this.sequence) this.#before.set(node, [])
    for (const node of this.sequence) for (const to of ways(node)) (this.#before.get(to) as number[]).push(node)
    for (const [node, before] of this.#before) {
      const forward = before.filter((from) => !this.isBack(from, node))
      this.#forward.set(node, forward)
      this.#children.set(node, [])
    }
    const dominators = this.#dominators()
    for (const node of this.sequence.slice(1))
      (this.#children.get(dominators.get(node) as number) as number[]).push(node)
  }

  /** The block at `offset`, if it is in the region. */
  place(offset: number): number | undefined {
    return this.#places.get(offset)
  }

  /** Offsets of the blocks that a return, jump or call by address may lead to. */
  targets({ offset, insn }: RegionInsn): readonly number[] {
    return (insn.row.returns ? this.#returns : this.#targets).get(offset) ?? []
  }

  /** The node that a way to a block leads to. */
  way(block: number): number {
    return this.#dispatchers.get(block) ?? block
  }

  /** Of a dispatcher. */
  entriesOf(node: number): readonly number[] | undefined {
    return this.#entriesOf.get(node)
  }

  /** Whether a way leads back, to the head of a loop that `from` is in. */
  isBack(from: number, to: number): boolean {
    return this.#orderOf(to) <= this.#orderOf(from)
  }

  isHead(node: number): boolean {
    return this.#heads.has(node)
  }

  /** The blocks of a head's loop: what leads back to it. */
  #loop(head: number): readonly number[] {
    const inside = new Set([head])
    const before = (node: number): readonly number[] => this.#before.get(node) as number[]
    const work = before(head).filter((node) => this.isBack(node, head))
    for (let node = work.pop(); node !== undefined; node = work.pop()) {
      if (inside.has(node)) continue
      inside.add(node)
      work.push(...before(node))
    }
    return [...inside].filter((node) => node < this.#blocks.length)
  }

  /** Whether several ways from before lead to the node. */
  isMerge(node: number): boolean {
    return (this.#forward.get(node) as readonly number[]).length > 1
  }

  /** Those that only this node leads to, and where several ways meet: first what is jumped to first. */
  merges(node: number): readonly number[] {
    return (this.#children.get(node) as number[]).filter((child) => this.isMerge(child))
  }

  #orderOf(node: number): number {
    return this.#order.get(node) as number
  }

  #successors(block: Block): number[] {
    const found: number[] = []
    const add = (offset: number | undefined): void => {
      const place = offset === undefined ? undefined : this.#places.get(offset)
      if (place !== undefined) found.push(place)
    }
    for (const here of block.insns) {
      if (!here.insn.row.ends) continue
      add(target(here))
      for (const to of this.targets(here)) add(to)
    }
    if (block.fallsThrough) add(block.next)
    return found
  }

  #dominators(): ReadonlyMap<number, number> {
    const dominator = new Map([[this.sequence[0], this.sequence[0]]])
    const common = (a: number, b: number): number => {
      let [x, y] = [a, b]
      while (x !== y) {
        if (this.#orderOf(x) > this.#orderOf(y)) x = dominator.get(x) as number
        else y = dominator.get(y) as number
      }
      return x
    }
    for (const node of this.sequence.slice(1))
      dominator.set(node, (this.#forward.get(node) as readonly number[]).reduce(common))
    return dominator
  }
}

function reversePostorder(entry: number, successors: (node: number) => readonly number[]): number[] {
  const seen = new Set<number>()
  const order: number[] = []
  const visit = (node: number): void => {
    seen.add(node)
    for (const to of successors(node)) if (!seen.has(to)) visit(to)
    order.push(node)
  }
  visit(entry)
  return order.reverse()
}
