import type { DomainEnd, RunningDomain } from '@paravane/core'
import type { Terminal } from './terminal.ts'
import { TextWatch } from './text-watch.ts'

/** A domain as a terminal needs it. */
export interface ShownGuest extends Pick<RunningDomain, 'console' | 'destroy' | 'ended'> {
  unpause(): void | Promise<void>
}

/** A guest that is to be made. */
export interface GuestPlan {
  readonly name: string
  /** What it is made of, for the user. */
  readonly contents: string
  /** What it writes to its console once it has booted. */
  readonly readyText: string
  /** It is xend's, and stays when the user leaves it; else it ends with this process. */
  readonly stays: boolean
  /** Makes it, paused. @throws CodedError if it cannot be made; then there is no guest */
  make(): Promise<ShownGuest>
}

export interface StartPlan {
  readonly plan: GuestPlan
  /** Lets go of all that served it. */
  stop(): Promise<void>
}

export interface RunInit {
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
  reboot: 'asked for a reboot',
  suspend: 'suspended itself, which nobody asked for, and was destroyed',
  crash: 'crashed',
  watchdog: 'was stopped by its watchdog',
  destroyed: 'was destroyed',
}

/**
 * Makes the guest, gives it the terminal and waits for the end of it: its own, or the user's wish. Unless it stays it is gone
 * afterwards; one line has said what became of it.
 * @throws CodedError of `make`
 */
export async function runGuest(plan: GuestPlan, init: RunInit): Promise<RunResult> {
  const { terminal, stopped, say, now } = init
  say(`building the guest ${plan.name}: ${plan.contents} ...`)
  const domain = await plan.make()
  const ready = new TextWatch(plan.readyText)
  let bootMs: number | undefined
  const begin = now()
  const stopWatching = domain.console.onOutput((bytes) => {
    if (ready.push(bytes)) bootMs = now() - begin
  })
  try {
    const leaves = terminal.attach(domain.console)
    say(`starting the guest; its console follows${terminal.isInteractive ? ', Ctrl-] leaves it' : ''}`)
    await domain.unpause()
    const result = await Promise.race<RunResult>([
      domain.ended.then((end) => ({ how: 'ended', end })),
      leaves.then((how) => ({ how })),
      stopped.then((signal) => ({ how: 'stopped', signal })),
    ])
    const left = result.how !== 'ended'
    if (left && !plan.stays) await domain.destroy()
    const end = left && plan.stays ? undefined : await domain.ended
    terminal.restore()
    const times = spans({ bootMs, ranMs: now() - begin, cpuTimeNs: end?.cpuTimeNs })
    say(`${plan.name} ${end === undefined ? runsOn(plan.name) : ending(result, end)}: ${times}`)
    return result
  } finally {
    stopWatching()
    terminal.restore()
  }
}

/** @param contents of a guest of these numbers and files */
export function contentsOf(memory: number, vcpus: number, files: readonly string[]): string {
  return `${memory} MiB, ${vcpus} ${vcpus === 1 ? 'vCPU' : 'vCPUs'}, ${files.join(' with ')}`
}

interface Spans {
  readonly bootMs: number | undefined
  readonly ranMs: number
  readonly cpuTimeNs: bigint | undefined
}

function spans({ bootMs, ranMs, cpuTimeNs }: Spans): string {
  const all = [
    ...(bootMs === undefined ? [] : [`booted in ${seconds(bootMs)}`]),
    `ran ${seconds(ranMs)}`,
    ...(cpuTimeNs === undefined ? [] : [`guest CPU time ${seconds(Number(cpuTimeNs) / 1e6)}`]),
  ]
  return all.join(', ')
}

function runsOn(name: string): string {
  return `runs on (npm run xm -- console ${name} shows it, npm run xend -- stop --guests ends all)`
}

function ending(result: RunResult, { reason, detail }: DomainEnd): string {
  if (result.how === 'left') return 'was destroyed as you left it'
  if (result.how === 'output-gone') return 'was destroyed as nobody reads its console'
  if (result.how === 'stopped') return `was destroyed on ${result.signal}`
  return detail === undefined ? ENDINGS[reason] : `${ENDINGS[reason]} (${detail})`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
