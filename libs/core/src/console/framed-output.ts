import type { Marks } from './shell-command.ts'

/** What a command wrote, and its exit status. */
export interface ShellResult {
  /** Standard output and error as they came, lines ended by `\n`. */
  readonly output: string
  readonly status: number
}

/** Finds what stands between two marks in a text that comes in pieces. */
export class FramedOutput {
  readonly #begin: string
  readonly #end: RegExp
  readonly #endLength: number
  readonly #most: number
  #begun = false
  /** Before the first mark: only what may be part of it. */
  #text = ''
  /** From where on the second mark may begin. */
  #from = 0
  #result: ShellResult | undefined
  #tooLong = false

  /** @param most characters of output */
  constructor({ first, second }: Marks, most: number) {
    this.#begin = `${first}${second}:`
    this.#end = new RegExp(`${second}${first}:(\\d{1,3}):`, 'g')
    this.#endLength = second.length + first.length + ':255:'.length
    this.#most = most
  }

  get result(): ShellResult | undefined {
    return this.#result
  }

  /** There is more than was allowed, and no result will come. */
  get tooLong(): boolean {
    return this.#tooLong
  }

  push(piece: string): void {
    if (this.#result !== undefined || this.#tooLong) return
    this.#text += piece
    if (!this.#begun && !this.#begins()) return
    this.#end.lastIndex = this.#from
    const end = this.#end.exec(this.#text)
    if (end !== null) {
      this.#result = { output: this.#text.slice(0, end.index).replaceAll('\r\n', '\n'), status: Number(end[1]) }
    }
    if ((end?.index ?? this.#text.length - this.#endLength) > this.#most) {
      this.#tooLong = true
      this.#result = undefined
    }
    if (end !== null || this.#tooLong) this.#text = ''
    this.#from = Math.max(0, this.#text.length - this.#endLength)
  }

  #begins(): boolean {
    const at = this.#text.indexOf(this.#begin)
    this.#begun = at >= 0
    this.#text = this.#text.slice(this.#begun ? at + this.#begin.length : -this.#begin.length)
    return this.#begun
  }
}
