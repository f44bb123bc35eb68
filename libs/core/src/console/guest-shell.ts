import { CodedError } from '../errors.ts'
import { type Entropy, hostEntropy } from '../time/entropy.ts'
import { ConsoleReader, type GuestShellDomain, type WaitOptions } from './console-reader.ts'
import { FramedOutput, type ShellResult } from './framed-output.ts'
import { commandLines, framed } from './shell-command.ts'

/** Of a command's output, unless the caller allows more: characters. */
const OUTPUT_MAX = 1 << 20
const MARK_BYTES = 6
/** What a terminal makes SIGINT of. */
const CTRL_C = '\x03'
/** What a shell that may be busy is given to answer, ms; each time twice as long. */
const FIRST_PATIENCE_MS = 500

export interface RunOptions extends WaitOptions {
  /** Characters of output at most; a million by default. */
  readonly maxOutput?: number
}

/**
 * A guest's console for programs: waits for what the guest writes, and runs commands in a POSIX shell there. It hears what the
 * guest writes from the moment it is made, and keeps about the last million characters of it.
 */
export class GuestShell {
  readonly #domain: GuestShellDomain
  readonly #entropy: Entropy
  readonly #reader: ConsoleReader
  #running: FramedOutput | undefined
  /** The last command was let go of, and may still run. */
  #isLost = false

  /** @param options.entropy where the marks around a command's output come from; the host's by default */
  constructor(domain: GuestShellDomain, options: { readonly entropy?: Entropy } = {}) {
    this.#domain = domain
    this.#entropy = options.entropy ?? hostEntropy
    this.#reader = new ConsoleReader(domain, (text) => this.#running?.push(text))
  }

  /**
   * Waits until a line of the console, be it finished or not, has the text or matches, beginning behind what was waited for last
   * or what the last command wrote. A pattern that must not match half a line has to say what follows.
   * @throws CodedError DOMAIN_ENDED, SHELL_CLOSED; the signal's reason
   */
  waitFor(wanted: string | RegExp, options: WaitOptions = {}): Promise<RegExpExecArray> {
    return this.#reader.waitFor(wanted, options)
  }

  /**
   * Runs a command, as `sh -c` would, in the shell that waits for input on the console, and answers when it is over. Each is a
   * subshell of its own with empty input. What the guest's kernel writes to the console meanwhile is part of the output. When the
   * signal is aborted, or the output too long, the command is sent a Ctrl-C; the next one waits until it has heeded that.
   * @throws CodedError COMMAND_REFUSED, SHELL_BUSY (another one runs), OUTPUT_TOO_LONG, DOMAIN_ENDED, SHELL_CLOSED; the signal's
   * reason
   */
  async run(command: string, { signal, maxOutput = OUTPUT_MAX }: RunOptions = {}): Promise<ShellResult> {
    signal?.throwIfAborted()
    const { name } = this.#domain
    if (command.includes('\0')) {
      const text = 'a command has a NUL character: leave it out, no shell takes one'
      throw new CodedError({ code: 'COMMAND_REFUSED' }, text)
    }
    if (this.#running !== undefined) {
      throw new CodedError({ code: 'SHELL_BUSY', name }, `a command runs in ${name} already: wait for its end`)
    }
    try {
      if (this.#isLost) await this.#findBack(signal)
      let result: ShellResult = { output: '', status: 0 }
      for (const line of commandLines(command)) result = await this.#line(line, command, maxOutput, signal)
      return result
    } catch (error) {
      this.#isLost = !this.#reader.isOver
      if (this.#isLost) this.#type(CTRL_C)
      throw error
    } finally {
      this.#running = undefined
      this.#reader.drop()
    }
  }

  /**
   * Has the shell wait for a command again. A Ctrl-C that came while it still read the line of the last command was a character like
   * any other, so there may have to be another one.
   */
  async #findBack(signal: AbortSignal | undefined): Promise<void> {
    for (let patience = FIRST_PATIENCE_MS; this.#isLost; patience *= 2) {
      const late = AbortSignal.timeout(patience)
      this.#type(CTRL_C)
      try {
        await this.#line(':', ':', 0, signal === undefined ? late : AbortSignal.any([signal, late]))
        this.#isLost = false
      } catch (error) {
        if (!late.aborted || error !== late.reason) throw error
      }
    }
  }

  /** Hears the console no longer; whoever waits is told. The guest runs on. */
  close(): void {
    this.#reader.close()
  }

  async #line(line: string, command: string, most: number, signal?: AbortSignal): Promise<ShellResult> {
    const marks = { first: this.#mark(), second: this.#mark() }
    const output = new FramedOutput(marks, most)
    this.#running = output
    this.#type(`${framed(line, marks)}\n`)
    for (;;) {
      if (output.result !== undefined) return output.result
      if (output.tooLong) throw this.#tooLong(command, most)
      await this.#reader.more(`it had run ${shown(command)}`, signal)
    }
  }

  #tooLong(command: string, most: number): CodedError<{ code: string; name: string }> {
    const { name } = this.#domain
    const text = `${shown(command)} wrote more than ${most} characters in ${name}: give maxOutput, or have it write to a file`
    return new CodedError({ code: 'OUTPUT_TOO_LONG', name }, text)
  }

  #type(text: string): void {
    this.#domain.console.write(Buffer.from(text))
  }

  #mark(): string {
    const bytes = new Uint8Array(MARK_BYTES)
    this.#entropy.fill(bytes)
    return Buffer.from(bytes).toString('hex')
  }
}

const SHOWN = 60
const shown = (command: string): string =>
  JSON.stringify(command.length > SHOWN ? `${command.slice(0, SHOWN)}...` : command)
