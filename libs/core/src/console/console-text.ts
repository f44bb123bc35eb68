/** What a guest wrote to its console and nobody has asked for yet: text, of which the oldest goes when there is too much. */

/** Characters; twice as many before the oldest go. */
const KEPT = 1 << 20
/** Characters of a line that does not end; what follows counts as another. */
const LINE_MAX = 1 << 16

export class ConsoleText {
  /** The last one is unfinished. */
  #lines: string[] = ['']
  /** Lines that are gone. */
  #gone = 0
  #size = 0

  push(text: string): void {
    this.#size += text.length
    const [first = '', ...more] = text.split('\n')
    this.#append(first)
    for (const piece of more) {
      this.#lines.push(withoutReturn(this.#lines.pop() as string), '')
      this.#append(piece)
    }
    if (this.#size > 2 * KEPT) this.#trim()
  }

  /** The number of the line that comes first. */
  get start(): number {
    return this.#gone
  }

  /** The number of the line that is not finished. */
  get end(): number {
    return this.#gone + this.#lines.length - 1
  }

  /**
   * The first match from line `from` on, in one line each time; an unfinished line counts as it stands. The text is dropped as far
   * as the match goes.
   */
  take(pattern: RegExp, from: number): RegExpExecArray | undefined {
    for (let at = Math.max(0, from - this.#gone); at < this.#lines.length; at++) {
      const line = this.#lines[at] as string
      const found = pattern.exec(line)
      if (found === null) continue
      const rest = line.slice(found.index + found[0].length)
      this.#lines = [rest, ...this.#lines.slice(at + 1)]
      this.#gone += at
      this.#count()
      return found
    }
    return undefined
  }

  drop(): void {
    this.#gone += this.#lines.length
    this.#lines = ['']
    this.#size = 0
  }

  #append(piece: string): void {
    let line = (this.#lines.pop() as string) + piece
    for (; line.length > LINE_MAX; line = line.slice(LINE_MAX)) this.#lines.push(line.slice(0, LINE_MAX))
    this.#lines.push(line)
  }

  #trim(): void {
    let first = 0
    for (let size = this.#size; size > KEPT; first++) size -= (this.#lines[first] as string).length + 1
    this.#lines = this.#lines.slice(first)
    this.#gone += first
    this.#count()
  }

  #count(): void {
    this.#size = this.#lines.reduce((sum, line) => sum + line.length + 1, 0)
  }
}

/** A terminal ends its lines by both. */
const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)
