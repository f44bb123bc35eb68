import type { DomainEnd, DomainRequest, Hypervisor, RunningDomain } from '@paravane/core'

/** The far edge of `runGuest`: one domain whose guest is the test. */
export class ScriptedDomain implements RunningDomain {
  readonly domid: number = 1
  readonly uuid: string = '01234567-89ab-cdef-0123-456789abcdef'
  readonly name: string
  /** What reached the guest's console. */
  typed = ''
  unpaused = false
  readonly ended: Promise<DomainEnd>
  readonly #end: (end: DomainEnd) => void
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  readonly console: RunningDomain['console'] = {
    write: (bytes) => {
      this.typed += Buffer.from(bytes).toString()
    },
    onOutput: (listener) => {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    },
  }

  constructor(name: string) {
    this.name = name
    const { promise, resolve } = Promise.withResolvers<DomainEnd>()
    this.ended = promise
    this.#end = resolve
  }

  /** The guest writes to its console. */
  print(text: string): void {
    for (const listener of this.#listeners) listener(Buffer.from(text))
  }

  end(reason: DomainEnd['reason'], detail?: string): void {
    this.#end({ reason, detail, cpuTimeNs: 1_500_000_000n })
  }

  unpause(): void {
    this.unpaused = true
  }

  pause(): void {
    this.unpaused = false
  }

  async destroy(): Promise<void> {
    this.end('destroyed')
  }

  shutdown(how: string): void {
    throw new Error(`no one asked for ${how}`)
  }

  async suspend(): Promise<never> {
    throw new Error('no one asked to suspend it')
  }

  async resume(): Promise<never> {
    throw new Error('no one asked to resume it')
  }

  info(): never {
    throw new Error('no one asked')
  }
}

export class ScriptedHypervisor implements Hypervisor {
  readonly requests: DomainRequest[] = []
  readonly domain: ScriptedDomain = new ScriptedDomain('test')

  get xenstore(): never {
    throw new Error('no one asked for xenstore')
  }

  acceptXenstoreClient(): never {
    throw new Error('no one asked for xenstore')
  }

  async createDomain(request: DomainRequest): Promise<RunningDomain> {
    this.requests.push(request)
    return this.domain
  }

  domains(): readonly RunningDomain[] {
    return [this.domain]
  }

  async stop(): Promise<void> {}
}
