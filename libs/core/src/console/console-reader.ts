import { CodedError } from '../errors.ts'
import type { DomainEnd, RunningDomain } from '../host/hypervisor-api.ts'
import { ConsoleText } from './console-text.ts'

/** Of a domain what a shell needs. */
export interface GuestShellDomain extends Pick<RunningDomain, 'name' | 'ended'> {
  readonly console: Pick<RunningDomain['console'], 'onOutput'> & { write(bytes: Uint8Array): unknown }
}

export interface WaitOptions {
  /** Whoever does not want to wait longer aborts it: `AbortSignal.timeout(5000)`. */
  readonly signal?: AbortSignal
}

/** Hears a guest's console from the moment it is made, and lets any number wait for what it shows. */
export class ConsoleReader {
  readonly #name: string
  readonly #text = new ConsoleText()
  readonly #waiting = new Set<() => void>()
  readonly #stop: () => void
  #end: DomainEnd | 'closed' | undefined

  /** @param heard is given the text as it comes */
  constructor({ name, console, ended }: GuestShellDomain, heard: (text: string) => void) {
    this.#name = name
    const decoder = new TextDecoder()
    this.#stop = console.onOutput((bytes) => {
      const text = decoder.decode(bytes, { stream: true })
      this.#text.push(text)
      heard(text)
      this.#wake()
    })
    void ended.then((end) => this.#finish(end))
  }

  get isOver(): boolean {
    return this.#end !== undefined
  }

  /** See `GuestShell.waitFor`. */
  async waitFor(wanted: string | RegExp, { signal }: WaitOptions = {}): Promise<RegExpExecArray> {
    const pattern = typeof wanted === 'string' ? literal(wanted) : new RegExp(wanted.source, plainFlags(wanted))
    for (let from = this.#text.start; ; ) {
      const found = this.#text.take(pattern, from)
      if (found !== undefined) return found
      // The unfinished line may come to match.
      from = this.#text.end
      await this.more(`it showed ${wanted}`, signal)
    }
  }

  /**
   * Resolves when there is more to see.
   * @param before what was waited for, for the message
   * @throws CodedError DOMAIN_ENDED, SHELL_CLOSED; the signal's reason
   */
  async more(before: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#end !== undefined) throw this.#over(this.#end, before)
    await new Promise<void>((resolve, reject) => {
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

  /** Forgets what nobody has waited for. */
  drop(): void {
    this.#text.drop()
  }

  close(): void {
    this.#finish('closed')
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

  #over(end: DomainEnd | 'closed', before: string): CodedError<{ code: string; name: string }> {
    const name = this.#name
    if (end === 'closed') {
      return new CodedError({ code: 'SHELL_CLOSED', name }, `the shell of ${name} was closed before ${before}`)
    }
    const why = end.detail === undefined ? end.reason : `${end.reason}: ${end.detail}`
    return new CodedError({ code: 'DOMAIN_ENDED', name, end }, `domain ${name} ended (${why}) before ${before}`)
  }
}

const literal = (text: string): RegExp => new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
/** Without those by which a pattern remembers where it was. */
const plainFlags = ({ flags }: RegExp): string => flags.replace(/[gy]/g, '')
