import { CodedError } from '../errors.ts'
import type { DomainEnd, RunningDomain } from '../host/hypervisor-api.ts'
import { type Entropy, hostEntropy } from '../time/entropy.ts'
import { ConsoleText } from './console-text.ts'
import { FramedOutput, type ShellResult } from './framed-output.ts'
import { commandLines, framed } from './shell-command.ts'

/** Of a command's output, unless the caller allows more: characters. */
const OUTPUT_MAX = 1 << 20
const MARK_BYTES = 6
/** What a terminal makes SIGINT of. */
const CTRL_C = '\x03'

export interface WaitOptions {
  /** Whoever does not want to wait longer aborts it: `AbortSignal.timeout(5000)`. */
  readonly signal?: AbortSignal
}

export interface RunOptions extends WaitOptions {
  /** Characters of output at most; a million by default. */
  readonly maxOutput?: number
}

/** Of a domain what a shell needs. */
export interface GuestShellDomain extends Pick<RunningDomain, 'name' | 'ended'> {
  readonly console: Pick<RunningDomain['console'], 'onOutput'> & { write(bytes: Uint8Array): unknown }
}

/**
 * A guest's console for programs: waits for what the guest writes, and runs commands in a POSIX shell there. It hears what the
 * guest writes from the moment it is made, and keeps about the last million characters of it.
 */
export class GuestShell {
  readonly #domain: GuestShellDomain
  readonly #entropy: Entropy
  readonly #text = new ConsoleText()
  readonly #decoder = new TextDecoder()
  readonly #waiting = new Set<() => void>()
  readonly #stop: () => void
  #running: FramedOutput | undefined
  #end: DomainEnd | 'closed' | undefined

  /** @param options.entropy where the marks around a command's output come from; the host's by default */
  constructor(domain: GuestShellDomain, options: { readonly entropy?: Entropy } = {}) {
    this.#domain = domain
    this.#entropy = options.entropy ?? hostEntropy
    this.#stop = domain.console.onOutput((bytes) => this.#take(this.#decoder.decode(bytes, { stream: true })))
    void domain.ended.then((end) => this.#finish(end))
  }

  /**
   * Waits until a line of the console, be it finished or not, has the text or matches, beginning behind what was waited for last
   * or what the last command wrote. A pattern that must not match half a line has to say what follows.
   * @throws CodedError DOMAIN_ENDED, SHELL_CLOSED; the signal's reason
   */
  async waitFor(wanted: string | RegExp, { signal }: WaitOptions = {}): Promise<RegExpExecArray> {
    const pattern = typeof wanted === 'string' ? literal(wanted) : new RegExp(wanted.source, plainFlags(wanted))
    for (let from = this.#text.start; ; ) {
      const found = this.#text.take(pattern, from)
      if (found !== undefined) return found
      // The unfinished line may come to match.
      from = this.#text.end
      await this.#more(`it showed ${wanted}`, signal)
    }
  }

  /**
   * Runs a command, as `sh -c` would, in the shell that waits for input on the console, and answers when it is over. Each is a
   * subshell of its own with empty input. What the guest's kernel writes to the console meanwhile is part of the output. When the
   * signal is aborted, or the output too long, the command is sent a Ctrl-C, and it is the command's affair to heed it.
   * @throws CodedError COMMAND_REFUSED, SHELL_BUSY (another one runs), OUTPUT_TOO_LONG, DOMAIN_ENDED, SHELL_CLOSED; the signal's
   * reason
   */
  async run(command: string, { signal, maxOutput = OUTPUT_MAX }: RunOptions = {}): Promise<ShellResult> {
    signal?.throwIfAborted()
    const { name } = this.#domain
    if (command.includes('\0')) {
      throw new CodedError(
        { code: 'COMMAND_REFUSED' },
        'a command has a NUL character: leave it out, no shell takes one',
      )
    }
    if (this.#running !== undefined) {
      throw new CodedError({ code: 'SHELL_BUSY', name }, `a command runs in ${name} already: wait for its end`)
    }
    try {
      let result: ShellResult = { output: '', status: 0 }
      for (const line of commandLines(command)) result = await this.#line(line, command, maxOutput, signal)
      return result
    } finally {
      this.#running = undefined
      this.#text.drop()
    }
  }

  /** Hears the console no longer; whoever waits is told. The guest runs on. */
  close(): void {
    this.#finish('closed')
  }

  async #line(line: string, command: string, most: number, signal?: AbortSignal): Promise<ShellResult> {
    const marks = { first: this.#mark(), second: this.#mark() }
    const output = new FramedOutput(marks, most)
    this.#running = output
    this.#type(`${framed(line, marks)}\n`)
    const what = `it had run ${JSON.stringify(short(command))}`
    try {
      for (;;) {
        if (output.result !== undefined) return output.result
        if (output.tooLong) throw this.#tooLong(command, most)
        await this.#more(what, signal)
      }
    } catch (error) {
      if (this.#end === undefined) this.#type(CTRL_C)
      throw error
    }
  }

  #take(text: string): void {
    this.#text.push(text)
    this.#running?.push(text)
    this.#wake()
  }

  #finish(end: DomainEnd | 'closed'): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#stop()
    this.#wake()
  }

  #wake(): void {
    for (const go of this.#waiting) go()
    this.#waiting.clear()
  }

  /** Resolves when there is more to see. */
  #more(before: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#end !== undefined) throw this.#over(this.#end, before)
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        this.#waiting.delete(go)
        reject(signal?.reason)
      }
      const go = (): void => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      }
      signal?.addEventListener('abort', aborted, { once: true })
      this.#waiting.add(go)
    })
  }

  #over(end: DomainEnd | 'closed', before: string): CodedError<{ code: string; name: string }> {
    const { name } = this.#domain
    if (end === 'closed')
      return new CodedError({ code: 'SHELL_CLOSED', name }, `the shell of ${name} was closed before ${before}`)
    const why = end.detail === undefined ? end.reason : `${end.reason}: ${end.detail}`
    return new CodedError({ code: 'DOMAIN_ENDED', name, end }, `domain ${name} ended (${why}) before ${before}`)
  }

  #tooLong(command: string, most: number): CodedError<{ code: string; name: string }> {
    const { name } = this.#domain
    const text = `${JSON.stringify(short(command))} wrote more than ${most} characters in ${name}: give maxOutput, or have it write to a file`
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
const short = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text)
const literal = (text: string): RegExp => new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
/** Without those by which a pattern remembers where it was. */
const plainFlags = ({ flags }: RegExp): string => flags.replace(/[gy]/g, '')
