import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningDomain } from '../../../libs/core/src/host/hypervisor-api.ts'
import { HANG_MS } from '../debian-boot.ts'

/** A guest with a shell, that begins to run, and what its console shows. */
export class ShellGuest {
  readonly domain: RunningDomain
  shown = ''
  #changed = Promise.withResolvers<void>()

  constructor(domain: RunningDomain) {
    this.domain = domain
    domain.console.onOutput((bytes) => {
      this.shown += Buffer.from(bytes).toString('latin1')
      this.#changed.resolve()
      this.#changed = Promise.withResolvers<void>()
    })
    domain.unpause()
  }

  /** Waits until it has shown the text, so many times. @throws Error if it ends or takes too long */
  async shows(text: string, times = 1): Promise<void> {
    const timer = new AbortController()
    const late = sleep(HANG_MS * 4, 'late' as const, { signal: timer.signal, ref: false }).catch(() => {})
    while (this.shown.split(text).length <= times) {
      const what = await Promise.race([this.#changed.promise, this.domain.ended, late])
      if (what !== undefined) throw new Error(`${this.domain.name} never showed ${text}: ${this.shown.slice(-200)}`)
    }
    timer.abort()
  }

  type(line: string): void {
    this.domain.console.write(Buffer.from(`${line}\n`))
  }
}
