/** What `npm start` does: boots a paravirtual guest on this terminal. */
import { constants } from 'node:os'
import { CodedError } from '@paravane/core'
import { userFolder } from '../folders.ts'
import { planAlone } from './alone.ts'
import { chooseGuest } from './guest-request.ts'
import { planKept } from './kept.ts'
import { parseStartOptions, type StartOptions, USAGE } from './options.ts'
import { type RunResult, runGuest } from './run-guest.ts'
import { Terminal } from './terminal.ts'

/** As the usage promises. */
const EXIT = { ok: 0, notStarted: 1, usage: 2, crashed: 3, signalBase: 128 } as const
const ENDING_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** After a signal, time to end the guest in an orderly way. */
const STOP_LIMIT_MS = 5000

const say = (line: string): void => {
  process.stderr.write(`paravane: ${line}\n`)
}

function exitStatus(result: RunResult): number {
  if (result.how === 'stopped') return EXIT.signalBase + constants.signals[result.signal]
  if (result.how !== 'ended') return EXIT.ok
  return result.end.reason === 'crash' || result.end.reason === 'watchdog' ? EXIT.crashed : EXIT.ok
}

/** Until `running` is set a signal ends the process; then it settles the promise, and a second one ends the process. */
function watchSignals(): { readonly stopped: Promise<NodeJS.Signals>; running: boolean } {
  const { promise: stopped, resolve } = Promise.withResolvers<NodeJS.Signals>()
  const watch = { stopped, running: false }
  let asked = false
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      const status = EXIT.signalBase + constants.signals[signal]
      if (!watch.running || asked) process.exit(status)
      asked = true
      setTimeout(() => process.exit(status), STOP_LIMIT_MS).unref()
      resolve(signal)
    })
  }
  return watch
}

async function start(options: StartOptions): Promise<number> {
  const signals = watchSignals()
  const folder = userFolder('start')
  const chosen = await chooseGuest(options, { folder, progress: say, warn: say })
  const { plan, stop } = options.alone
    ? await planAlone(chosen, options, { folder, say })
    : await planKept(chosen, { folder, say })
  signals.running = true
  try {
    const terminal = new Terminal(process.stdin, process.stdout)
    return exitStatus(await runGuest(plan, { terminal, stopped: signals.stopped, say, now: () => performance.now() }))
  } finally {
    await stop()
  }
}

try {
  const options = parseStartOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(`${USAGE}\n`)
  else process.exitCode = await start(options)
} catch (error) {
  if (error instanceof CodedError) say(error.message)
  else console.error(error)
  process.exitCode = error instanceof CodedError && error.code === 'USAGE' ? EXIT.usage : EXIT.notStarted
}
// Input nobody waits for any more must not keep the process.
process.stdin.unref?.()
