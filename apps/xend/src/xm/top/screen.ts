/** A terminal that is drawn on as a whole and given back as it was, whichever way the process goes on. */
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J'
const LEAVE = '\x1b[?25h\x1b[?1049l'

export interface ScreenEvents {
  /** A key by its name or its character, as node:readline has it. */
  key(name: string): void
  /** It has another size, or is there again: it has to be drawn anew. */
  changed(): void
}

export class Screen {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #events: ScreenEvents
  #shown: readonly string[] = []
  #entered = false

  constructor(input: ReadStream, output: WriteStream, events: ScreenEvents) {
    this.#input = input
    this.#output = output
    this.#events = events
  }

  /** A terminal that does not say its size is one of 80 by 24. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 }
  }

  open(): void {
    emitKeypressEvents(this.#input)
    this.#input.on('keypress', this.#pressed)
    this.#output.on('resize', this.#redraw)
    process.on('exit', this.#leave)
    process.on('SIGCONT', this.#continued)
    this.#enter()
    this.#input.resume()
  }

  close(): void {
    this.#input.off('keypress', this.#pressed)
    this.#output.off('resize', this.#redraw)
    process.off('exit', this.#leave)
    process.off('SIGCONT', this.#continued)
    this.#leave()
    this.#input.pause()
  }

  /** Writes what has changed, at once: nothing flickers. */
  draw(lines: readonly string[]): void {
    if (!this.#entered) return
    const changed = lines.flatMap((line, n) => (line === this.#shown[n] ? [] : [`\x1b[${n + 1};1H\x1b[K${line}`]))
    this.#shown = lines
    if (changed.length > 0) this.#output.write(changed.join(''))
  }

  #enter(): void {
    if (this.#input.isTTY) this.#input.setRawMode(true)
    this.#output.write(ENTER)
    this.#shown = []
    this.#entered = true
  }

  readonly #leave = (): void => {
    if (!this.#entered) return
    this.#entered = false
    if (this.#input.isTTY) this.#input.setRawMode(false)
    this.#output.write(LEAVE)
  }

  readonly #redraw = (): void => {
    this.#shown = []
    if (this.#entered) this.#output.write('\x1b[2J')
    this.#events.changed()
  }

  readonly #continued = (): void => {
    if (!this.#entered) this.#enter()
    this.#redraw()
  }

  /** Raw mode makes no signals of Ctrl-C and Ctrl-Z. */
  readonly #pressed = (text: string | undefined, key: { name?: string; ctrl?: boolean }): void => {
    if (key.ctrl && key.name === 'c') process.kill(process.pid, 'SIGINT')
    else if (key.ctrl && key.name === 'z') {
      this.#leave()
      process.kill(process.pid, 'SIGTSTP')
      // Where nobody would continue it, it is not stopped.
      setImmediate(this.#continued)
    } else this.#events.key(key.name ?? text ?? '')
  }
}
