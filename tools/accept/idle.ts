/** First light, point 8: what an idle guest costs, all processes counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CliGuest } from './cli-guest.ts'
import { HANG_MS, PROMPT } from './debian-boot.ts'
import type { How, Outcome } from './point.ts'
import { cpuShareOfTree } from './process-cpu.ts'

const LIMIT_PERCENT = 2
/** The thread that compiles rests 5 s after its last work: it keeps what it made and collects, once. */
const SETTLE_MS = 10_000
const SECONDS = { full: 60, short: 15 } as const

export async function idleCost({ short }: How): Promise<Outcome> {
  const seconds = short ? SECONDS.short : SECONDS.full
  const guest = new CliGuest([])
  try {
    await guest.shows(PROMPT, HANG_MS)
    await sleep(SETTLE_MS)
    const { percent } = await cpuShareOfTree(guest.pid, seconds)
    // It still has to be there, or its idleness means nothing.
    guest.type('echo $((6*7))-awake\n')
    await guest.shows('42-awake', HANG_MS)
    return {
      pass: percent < LIMIT_PERCENT,
      value: `${percent} % of one core over ${seconds} s${short ? ' (short form)' : ''}, the limit is ${LIMIT_PERCENT} %`,
      facts: { percent, seconds },
    }
  } finally {
    await guest.kill()
  }
}
