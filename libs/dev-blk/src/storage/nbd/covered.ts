/** Which bytes of a read have come, in chunks of any order. */
import { NbdError } from './nbd-error.ts'

/** Pieces with gaps between them; a server that needs more is up to no good. */
const PIECES_MAX = 1024

export class Covered {
  /** Starts and ends in turn, ascending, none of which touch. */
  readonly #edges: number[] = []

  /** @throws NbdError if some of it was there already */
  add(from: number, to: number): void {
    if (from === to) return
    const edges = this.#edges
    // Chunks mostly come in order.
    let at = edges.length
    while (at > 0 && edges[at - 2]! >= to) at -= 2
    if (at > 0 && edges[at - 1]! > from) throw new NbdError('it sends bytes of a read twice')
    const joinsBefore = at > 0 && edges[at - 1] === from
    const joinsAfter = at < edges.length && edges[at] === to
    if (joinsBefore && joinsAfter) edges.splice(at - 1, 2)
    else if (joinsBefore) edges[at - 1] = to
    else if (joinsAfter) edges[at] = from
    else edges.splice(at, 0, from, to)
    if (edges.length > 2 * PIECES_MAX) throw new NbdError('it sends a read in too many pieces')
  }

  isWhole(length: number): boolean {
    return length === 0 || (this.#edges.length === 2 && this.#edges[0] === 0 && this.#edges[1] === length)
  }
}
