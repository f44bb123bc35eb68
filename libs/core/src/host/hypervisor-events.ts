import { EventEmitter } from 'eventemitter3'
import type { DomainEnd, HypervisorReport, RunningDomain } from './hypervisor-api.ts'

/** What a hypervisor tells, and with what. */
export interface HypervisorEventMap {
  /** It is paused, and nothing of it has run. */
  'domain-created': (domain: RunningDomain) => void
  /** As `ended` of the domain settles. */
  'domain-ended': (domain: RunningDomain, end: DomainEnd) => void
  /** What a guest wrote by console_io. */
  'guest-log': (domid: number, bytes: Uint8Array) => void
  report: (report: HypervisorReport) => void
}

export type HypervisorEvent = keyof HypervisorEventMap
type Listener = (...args: never[]) => unknown
type Guarded = (...args: unknown[]) => void

/** Listeners to what happens in a hypervisor. One that throws, or rejects, is reported, and nobody else is the worse for it. */
export class HypervisorEvents {
  readonly #emitter = new EventEmitter()
  readonly #guarded = new Map<HypervisorEvent, WeakMap<Listener, Guarded>>()

  on<E extends HypervisorEvent>(event: E, listener: HypervisorEventMap[E]): this {
    this.#emitter.on(event, this.#guard(event, listener))
    return this
  }

  once<E extends HypervisorEvent>(event: E, listener: HypervisorEventMap[E]): this {
    this.#emitter.once(event, this.#guard(event, listener))
    return this
  }

  off<E extends HypervisorEvent>(event: E, listener: HypervisorEventMap[E]): this {
    this.#emitter.off(event, this.#guard(event, listener))
    return this
  }

  /** For the hypervisor. */
  emit<E extends HypervisorEvent>(event: E, ...args: Parameters<HypervisorEventMap[E]>): void {
    this.#emitter.emit(event, ...args)
  }

  /** The same for the same listener, so that it can be taken off. */
  #guard(event: HypervisorEvent, listener: Listener): Guarded {
    const known = this.#guarded.get(event) ?? new WeakMap<Listener, Guarded>()
    this.#guarded.set(event, known)
    const guarded = known.get(listener) ?? ((...args) => this.#call(event, listener, args as never[]))
    known.set(listener, guarded)
    return guarded
  }

  #call(event: HypervisorEvent, listener: Listener, args: never[]): void {
    try {
      const answer = listener(...args)
      if (answer instanceof Promise) answer.catch((error) => this.#failed(event, error))
    } catch (error) {
      this.#failed(event, error)
    }
  }

  #failed(event: HypervisorEvent, error: unknown): void {
    const text = `a listener of ${event} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    // Who fails to take a report is not told of it by another.
    if (event === 'report') process.emitWarning(text)
    else this.emit('report', { kind: 'listener', domid: 0, text })
  }
}
