/**
 * Loops of a graph that is entered at one node. A loop with several entries gets a node of its own, a dispatcher, that all ways to
 * these entries lead through: then each loop has one head, as loops of WebAssembly have.
 */
export interface Dispatcher {
  readonly node: number
  /** Where it leads, by what the way to it says. */
  readonly entries: readonly number[]
}

export interface Loops {
  readonly dispatchers: readonly Dispatcher[]
  readonly heads: ReadonlySet<number>
}

type Successors = (node: number) => readonly number[]

/** @param nodes numbers below `first`, where those of dispatchers begin */
export function findLoops(nodes: readonly number[], entry: number, successors: Successors, first: number): Loops {
  const dispatchers: Dispatcher[] = []
  const heads = new Set<number>()
  const inside = (members: ReadonlySet<number>, entered: ReadonlySet<number>): void => {
    const within: Successors = (node) => successors(node).filter((to) => members.has(to))
    for (const component of components([...members], within)) {
      const isLoop = component.length > 1 || within(component[0]).includes(component[0])
      if (!isLoop) continue
      const own = new Set(component)
      const entries = component.filter(
        (node) => entered.has(node) || [...members].some((from) => !own.has(from) && successors(from).includes(node)),
      )
      if (entries.length > 1) {
        const node = first + dispatchers.length
        dispatchers.push({ node, entries })
        heads.add(node)
      } else heads.add(entries[0])
      const rest = new Set(component.filter((node) => !entries.includes(node)))
      // What only the entries lead to is entered from outside of the rest.
      inside(rest, new Set([...rest].filter((to) => entries.some((from) => successors(from).includes(to)))))
    }
  }
  inside(new Set(nodes), new Set([entry]))
  return { dispatchers, heads }
}

/** Strongly connected components (Tarjan). */
function components(nodes: readonly number[], successors: Successors): number[][] {
  const index = new Map<number, number>()
  const low = new Map<number, number>()
  const stack: number[] = []
  const open = new Set<number>()
  const found: number[][] = []
  const visit = (node: number): void => {
    index.set(node, index.size)
    low.set(node, index.get(node) as number)
    stack.push(node)
    open.add(node)
    for (const to of successors(node)) {
      if (!index.has(to)) visit(to)
      if (open.has(to)) low.set(node, Math.min(low.get(node) as number, low.get(to) as number))
    }
    if (low.get(node) !== index.get(node)) return
    const component = stack.splice(stack.indexOf(node))
    for (const member of component) open.delete(member)
    found.push(component)
  }
  for (const node of nodes) if (!index.has(node)) visit(node)
  return found
}
