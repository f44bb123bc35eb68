/** What `npm start` does: boots a paravirtual guest on this terminal. */
import { mkdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { CodedError, unpackAhead } from '@paravane/core'
import { cacheFolder } from '../guest-image/cache-folder.ts'
import { guestRequest } from './guest-request.ts'
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

/** npm runs scripts in the package's folder, and says where the user was. */
function startFolder(env: NodeJS.ProcessEnv): string {
  return (env.npm_lifecycle_event === 'start' && env.INIT_CWD) || process.cwd()
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

/** Where compiled code is kept for the next start, if that can be written. */
function keptFolder(): string | undefined {
  const folder = join(cacheFolder(), 'regions')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  } catch (error) {
    say(`compiled code is not kept for the next start: ${(error as Error).message}`)
    return undefined
  }
}

async function start(options: StartOptions): Promise<number> {
  const signals = watchSignals()
  const request = await guestRequest(options, { folder: startFolder(process.env), progress: say, warn: say })
  // Imported here, so that what can be refused is refused before the engine is loaded.
  const { compose } = await import('../compose.ts')
  const { pcpus, cpu, verbose, keep } = options
  const { kernel } = request.domain
  const guestLog = (_: number, bytes: Uint8Array): boolean => process.stderr.write(bytes)
  say('starting the hypervisor ...')
  const hypervisor = await compose({
    pcpus,
    cpu,
    keep: keep ? keptFolder() : undefined,
    vcpus: request.domain.vcpus,
    meanwhile: () => unpackAhead(kernel.bytes, kernel.name),
    guestLog: verbose ? guestLog : undefined,
    warn: say,
  })
  signals.running = true
  try {
    const terminal = new Terminal(process.stdin, process.stdout)
    const now = (): number => performance.now()
    return exitStatus(await runGuest(request, { hypervisor, terminal, stopped: signals.stopped, say, now }))
  } finally {
    await hypervisor.stop()
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
