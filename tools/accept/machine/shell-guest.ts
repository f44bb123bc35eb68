import { setTimeout as sleep } from 'node:timers/promises'
import { DebianGuest } from '../../../apps/xend/test/e2e/debian-machine.ts'
import { HANG_MS } from '../debian-boot.ts'

/** A guest with a shell, that begins to run, and what its console shows. */
export class ShellGuest extends DebianGuest {
  /** Waits until it has shown the text, so many times. @throws Error if it ends or takes too long */
  async shows(text: string, times = 1): Promise<void> {
    const timer = new AbortController()
    const late = sleep(HANG_MS * 4, 'late' as const, { signal: timer.signal, ref: false }).catch(() => {})
    while (this.shown.split(text).length <= times) {
      const what = await Promise.race([this.more(), late])
      if (what !== undefined) throw new Error(`${this.domain.name} never showed ${text}: ${this.shown.slice(-200)}`)
    }
    timer.abort()
  }
}
