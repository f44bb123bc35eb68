import { GUESTS } from '../../apps/xend/src/start/guests.ts'
import { CliGuest } from './cli-guest.ts'
import { cpuSecondsOfHost, cpuSecondsOfTree } from './process-cpu.ts'

/** Longer than this no boot takes; it hangs. */
export const HANG_MS = 120_000
/** What is typed at a shell, and what proves that it ran: the terminal's echo of the line does not hold it. */
export const COMMAND = 'echo $((6*7))-ok; poweroff -f\n'
export const ANSWER = '42-ok'
export const PROMPT = '/ # '
export const READY: string = GUESTS.get('debian')!.readyText

export interface BootEnd {
  /** From the start of the process to the shell, s. */
  readonly boot: number
  /** CPU time of all our threads until then, s. */
  readonly cpu?: number
  /** How many processors other processes kept busy meanwhile, on average. */
  readonly others?: number
  /** Undefined when it booted, answered and ended as it should. */
  readonly fault?: string
}

/** One `npm start` from the first to the last: boot, a command, power off. Never throws on what the guest does. */
export async function bootDebian(args: readonly string[]): Promise<BootEnd> {
  const hostBefore = cpuSecondsOfHost()
  const guest = new CliGuest(args)
  let boot = Number.POSITIVE_INFINITY
  try {
    await guest.shows(READY, HANG_MS)
    boot = rounded((performance.now() - guest.begin) / 1000)
    const cpu = cpuSecondsOfTree(guest.pid)
    const others = rounded(Math.max(0, cpuSecondsOfHost() - hostBefore - cpu) / boot)
    await guest.shows(PROMPT, HANG_MS)
    guest.type(COMMAND)
    const { status, stdout, stderr } = await guest.ends(HANG_MS)
    if (!stdout.includes(ANSWER)) return { boot, fault: 'the shell did not answer' }
    if (status !== 0) return { boot, fault: `exit status ${status}: ${lastLine(stderr)}` }
    if (!stderr.includes(' powered off')) return { boot, fault: `it did not power off: ${lastLine(stderr)}` }
    return { boot, cpu, others }
  } catch (error) {
    return { boot, fault: (error as Error).message }
  } finally {
    await guest.kill()
  }
}

const rounded = (n: number): number => Math.round(n * 100) / 100

export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? ''
}
