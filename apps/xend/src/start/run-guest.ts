import type { DomainEnd, DomainRequest, RunningDomain } from '@paravane/core'
import type { GuestRequest } from './guest-request.ts'
import type { Terminal } from './terminal.ts'
import { TextWatch } from './text-watch.ts'

/** Of a hypervisor what a guest on a terminal needs. */
export interface GuestMaker {
  createDomain(request: DomainRequest): Promise<Pick<RunningDomain, 'console' | 'unpause' | 'destroy' | 'ended'>>
}

export interface RunInit {
  readonly hypervisor: GuestMaker
  readonly terminal: Terminal
  /** Settles when this process is asked to end. */
  readonly stopped: Promise<NodeJS.Signals>
  /** Shows the user a line. */
  readonly say: (line: string) => void
  /** Milliseconds of the host, for what is told to the user only. */
  readonly now: () => number
}

export type RunResult =
  | { readonly how: 'ended'; readonly end: DomainEnd }
  | { readonly how: 'left' | 'output-gone' }
  | { readonly how: 'stopped'; readonly signal: NodeJS.Signals }

/** What an ended guest did, for the summary. */
const ENDINGS: Readonly<Record<DomainEnd['reason'], string>> = {
  poweroff: 'powered off',
  reboot: 'asked for a reboot and was destroyed (on_reboot)',
  suspend: 'suspended itself, which nobody asked for, and was destroyed',
  crash: 'crashed',
  watchdog: 'was stopped by its watchdog',
  destroyed: 'was destroyed',
}

/**
 * Creates the guest, gives it the terminal and waits for the end of it: its own, or the user's wish. The guest is gone
 * afterwards, as nothing could keep it, and one line has said how it ended.
 * @throws CodedError if it could not be created; then there is no guest
 */
export async function runGuest({ domain: request, readyText }: GuestRequest, init: RunInit): Promise<RunResult> {
  const { hypervisor, terminal, stopped, say, now } = init
  say(`building the guest ${request.name}: ${contents(request)} ...`)
  const domain = await hypervisor.createDomain(request)
  const ready = new TextWatch(readyText)
  let bootMs: number | undefined
  const begin = now()
  const stopWatching = domain.console.onOutput((bytes) => {
    if (ready.push(bytes)) bootMs = now() - begin
  })
  try {
    const left = terminal.attach(domain.console)
    say(`starting the guest; its console follows${terminal.isInteractive ? ', Ctrl-] leaves it' : ''}`)
    domain.unpause()
    const result = await Promise.race<RunResult>([
      domain.ended.then((end) => ({ how: 'ended', end })),
      left.then((how) => ({ how })),
      stopped.then((signal) => ({ how: 'stopped', signal })),
    ])
    if (result.how !== 'ended') await domain.destroy()
    const end = await domain.ended
    terminal.restore()
    say(summary(request.name, result, end, { bootMs, ranMs: now() - begin }))
    return result
  } finally {
    stopWatching()
    terminal.restore()
  }
}

function contents({ memory, vcpus, kernel, ramdisk }: DomainRequest): string {
  const files = ramdisk === undefined ? kernel.name : `${kernel.name} with ${ramdisk.name}`
  return `${memory} MiB, ${vcpus} ${vcpus === 1 ? 'vCPU' : 'vCPUs'}, ${files}`
}

function summary(
  name: string,
  result: RunResult,
  end: DomainEnd,
  { bootMs, ranMs }: { bootMs: number | undefined; ranMs: number },
): string {
  const times = [
    ...(bootMs === undefined ? [] : [`booted in ${seconds(bootMs)}`]),
    `ran ${seconds(ranMs)}`,
    `guest CPU time ${seconds(Number(end.cpuTimeNs) / 1e6)}`,
  ].join(', ')
  return `${name} ${ending(result, end)}: ${times}`
}

function ending(result: RunResult, { reason, detail }: DomainEnd): string {
  if (result.how === 'left') return 'was destroyed as you left it (xend would keep it: docs/howto/xend.md)'
  if (result.how === 'output-gone') return 'was destroyed as nobody reads its console'
  if (result.how === 'stopped') return `was destroyed on ${result.signal}`
  return detail === undefined ? ENDINGS[reason] : `${ENDINGS[reason]} (${detail})`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
