import type { RunningDomain } from '@paravane/core'

/** The half of a terminal that is typed on: process.stdin, a pipe, a file. */
export interface TerminalInput {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  resume(): unknown
  pause(): unknown
}

/** The half that shows: process.stdout. */
export interface TerminalOutput {
  readonly isTTY?: boolean
  write(bytes: Uint8Array | string): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** What the user leaves the console with, as of old: Ctrl-]. */
const LEAVE = 0x1d
const NEWLINE = 0x0a

/**
 * This process's terminal as the console of a guest. A real terminal goes into raw mode, so that every key but
 * {@link LEAVE} reaches the guest; other input goes to the guest byte by byte, and its end means nothing.
 */
export class Terminal {
  readonly #input: TerminalInput
  readonly #output: TerminalOutput
  #detach: (() => void) | undefined
  #lastShown = NEWLINE

  constructor(input: TerminalInput, output: TerminalOutput) {
    this.#input = input
    this.#output = output
  }

  get isInteractive(): boolean {
    return this.#input.isTTY === true
  }

  /** Settles when the user leaves, or when nobody can read the output any more. May be attached once. */
  attach(console: RunningDomain['console']): Promise<'left' | 'output-gone'> {
    return new Promise((resolve) => {
      const input = this.#input
      const stopOutput = console.onOutput((bytes) => {
        this.#lastShown = bytes.at(-1) ?? this.#lastShown
        this.#output.write(bytes)
      })
      const typed = (bytes: Uint8Array): void => {
        const leave = this.isInteractive ? bytes.indexOf(LEAVE) : -1
        const forGuest = leave < 0 ? bytes : bytes.subarray(0, leave)
        if (forGuest.length > 0 && !console.write(forGuest)) input.pause()
        if (leave >= 0) resolve('left')
      }
      const stopDrain = console.onDrain(() => input.resume())
      this.#detach = () => {
        stopOutput()
        stopDrain()
        input.off('data', typed)
        input.pause()
        if (this.isInteractive) input.setRawMode?.(false)
      }
      this.#output.on('error', () => resolve('output-gone'))
      // Input that fails is input that ended; a terminal that hangs up also sends SIGHUP.
      input.on('error', () => input.off('data', typed))
      if (this.isInteractive) input.setRawMode?.(true)
      input.on('data', typed)
      input.resume()
    })
  }

  /** Gives the terminal back as it was, the cursor at the beginning of a line. Does nothing unless attached. */
  restore(): void {
    this.#detach?.()
    this.#detach = undefined
    if (this.#output.isTTY === true && this.#lastShown !== NEWLINE) this.#output.write('\n')
    this.#lastShown = NEWLINE
  }
}
