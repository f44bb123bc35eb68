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
  /** What is not as in the base; undefined: not there. Where nothing is shared there is nothing. */
  #changes: Map<string, T | undefined> | undefined
  #size: number

  constructor(like?: Children<T>) {
    this.#base = like === undefined ? new Map() : like.#base
    this.#shared = like !== undefined
    this.#changes = like === undefined || like.#changes === undefined ? undefined : new Map(like.#changes)
    this.#size = like === undefined ? 0 : like.#size
  }

  copy(): Children<T> {
    this.#shared = true
    return new Children(this)
  }

  get size(): number {
    return this.#size
  }

  get(name: string): T | undefined {
    if (this.#changes === undefined) return this.#base.get(name)
    return this.#changes.get(name) ?? (this.#changes.has(name) ? undefined : this.#base.get(name))
  }

  /** A new one comes last, one in the place of another stays there. */
  set(name: string, child: T): void {
    if (this.get(name) === undefined) {
      this.#size++
      // One that was dropped and comes back has another place.
      if (this.#changes?.has(name)) this.#rebase()
    }
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
    const changes = this.#changes
    if (changes === undefined) {
      yield* this.#base
      return
    }
    for (const [name, child] of this.#base) {
      const current = changes.has(name) ? changes.get(name) : child
      if (current !== undefined) yield [name, current]
    }
    for (const [name, child] of changes) if (child !== undefined && !this.#base.has(name)) yield [name, child]
  }

  #change(name: string, child: T | undefined): void {
    this.#changes ??= new Map()
    this.#changes.set(name, child)
    if (this.#changes.size > MOST_CHANGES) this.#rebase()
  }

  #rebase(): void {
    this.#base = new Map(this)
    this.#shared = false
    this.#changes = undefined
  }
}
