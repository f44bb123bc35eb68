import type { Links } from './columns.ts'

/** Doubly linked lists of units: list `i` begins at `head[i]`. A unit is in one list of the set at most. */
export class LinkedLists {
  readonly #head: Links
  readonly #tail: Links
  readonly #next: Links
  readonly #prev: Links

  constructor(columns: { head: Links; tail: Links; next: Links; prev: Links }) {
    this.#head = columns.head
    this.#tail = columns.tail
    this.#next = columns.next
    this.#prev = columns.prev
  }

  /** First unit of the list, or -1. */
  first(list: number): number {
    return this.#head.get(list)
  }

  /** The unit after `unit`, or -1. */
  after(unit: number): number {
    return this.#next.get(unit)
  }

  append(list: number, unit: number): void {
    const last = this.#tail.get(list)
    this.#prev.set(unit, last)
    this.#next.set(unit, -1)
    if (last < 0) this.#head.set(list, unit)
    else this.#next.set(last, unit)
    this.#tail.set(list, unit)
  }

  remove(list: number, unit: number): void {
    const prev = this.#prev.get(unit)
    const next = this.#next.get(unit)
    if (prev < 0) this.#head.set(list, next)
    else this.#next.set(prev, next)
    if (next < 0) this.#tail.set(list, prev)
    else this.#prev.set(next, prev)
  }
}
