import type { Hypervisor, RunningDomain } from '../../libs/core/src/host/hypervisor-api.ts'

/** A neighbour's heartbeat during some time. */
export interface Heartbeat {
  readonly seconds: number
  readonly beats: number
  /** Longest time between two beats as domain 0 saw them, or between one and an end of the time, ms. */
  readonly longestGap: number
  /** How late the neighbour's timer woke it at worst, by its own clock, ms. */
  readonly latest: number
}

/** The guest of tools/guests/heartbeat, which says each 100 ms that it lives. */
export class Neighbour {
  readonly #domain: RunningDomain
  readonly #heard: { readonly at: number; readonly late: number }[] = []
  readonly #first = Promise.withResolvers<void>()
  #rest = ''

  private constructor(domain: RunningDomain) {
    this.#domain = domain
    domain.console.onOutput((bytes) => this.#hear(Buffer.from(bytes).toString('latin1')))
    void domain.ended.then((end) => this.#first.reject(new Error(`the neighbour ended: ${JSON.stringify(end.reason)}`)))
    domain.unpause()
  }

  /** Resolves when it beats. @throws Error if it ends instead */
  static async start(hypervisor: Hypervisor, kernel: Uint8Array, name: string): Promise<Neighbour> {
    const bytes = { bytes: kernel, name: 'the heartbeat guest' }
    const request = { name, kernel: bytes, cmdline: 'fact=heartbeat', memory: 8, vcpus: 1 }
    const neighbour = new Neighbour(await hypervisor.createDomain(request))
    await neighbour.#first.promise
    return neighbour
  }

  get alive(): boolean {
    return this.#domain.info().state === 'running' || this.#domain.info().state === 'blocked'
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#heard.push({ at: performance.now(), late: Number(line.split(' ')[1]) / 1000 })
    this.#first.resolve()
  }

  /** Its heartbeat since `from` (of performance.now), which is also the end of what is asked next. */
  since(from: number): Heartbeat {
    const to = performance.now()
    const heard = this.#heard.filter(({ at }) => at >= from)
    let longestGap = 0
    let last = from
    for (const at of [...heard.map((beat) => beat.at), to]) {
      longestGap = Math.max(longestGap, at - last)
      last = at
    }
    this.#heard.length = 0
    const latest = Math.max(0, ...heard.map(({ late }) => late))
    return { seconds: (to - from) / 1000, beats: heard.length, longestGap, latest }
  }
}
