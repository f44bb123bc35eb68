import type { Clock } from '@paravane/core'

/** Time as the switch has it: of the machine, not of a guest. */
export interface SwitchTime {
  readonly clock: Clock
  /** Calls `task` after `ns`, or somewhat later. @returns ends it */
  after(ns: number, task: () => void): () => void
}

const NS_PER_MS = 1e6

/** The host's timers, which keep no process alive. */
export function hostTime(clock: Clock): SwitchTime {
  return {
    clock,
    after(ns, task) {
      const timer = setTimeout(task, Math.ceil(ns / NS_PER_MS))
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
}
