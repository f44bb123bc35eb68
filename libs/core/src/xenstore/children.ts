/** Names that may differ from the base before it is made anew. */
const MOST_CHANGES = 8

/**
 * Children by name, in the order in which they came. A copy costs little, however many there are: it shares the base and
 * has the changes since for itself.
 */
export class Children<T> {
  #base: Map<string, T>
  /** Another copy has the same base: it stays as it is. */
  #shared: boolean
  /** What is not as in the base; undefined: not there. */
  #changes: Map<string, T | undefined>
  #size: number

  constructor() {
    this.#base = new Map()
    this.#shared = false
    this.#changes = new Map()
    this.#size = 0
  }

  copy(): Children<T> {
    const copy = new Children<T>()
    this.#shared = true
    copy.#base = this.#base
    copy.#shared = true
    if (this.#changes.size > 0) copy.#changes = new Map(this.#changes)
    copy.#size = this.#size
    return copy
  }

  get size(): number {
    return this.#size
  }

  get(name: string): T | undefined {
    const changed = this.#changes.size > 0 ? this.#changes.get(name) : undefined
    if (changed !== undefined) return changed
    return this.#changes.has(name) ? undefined : this.#base.get(name)
  }

  /** A new one comes last, one in the place of another stays there. */
  set(name: string, child: T): void {
    if (this.get(name) === undefined) this.#size++
    // One that was dropped and comes back has another place.
    if (this.#changes.has(name) && this.#changes.get(name) === undefined) this.#rebase()
    if (this.#shared) this.#change(name, child)
    else this.#base.set(name, child)
  }

  /** It is there. */
  delete(name: string): void {
    this.#size--
    if (this.#shared) this.#change(name, undefined)
    else this.#base.delete(name)
  }

  *keys(): Generator<string> {
    for (const [name] of this) yield name
  }

  *[Symbol.iterator](): Generator<readonly [name: string, child: T]> {
    for (const [name, child] of this.#base) {
      if (!this.#changes.has(name)) yield [name, child]
      else {
        const changed = this.#changes.get(name)
        if (changed !== undefined) yield [name, changed]
      }
    }
    for (const [name, child] of this.#changes) if (child !== undefined && !this.#base.has(name)) yield [name, child]
  }

  #change(name: string, child: T | undefined): void {
    this.#changes.set(name, child)
    if (this.#changes.size > MOST_CHANGES) this.#rebase()
  }

  #rebase(): void {
    this.#base = new Map(this)
    this.#shared = false
    this.#changes = new Map()
  }
}
