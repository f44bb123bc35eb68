/** xend start|stop|restart|status: the daemon from outside. */
import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CodedError } from '@paravane/core'
import { controlSocket, folders, xendSocket } from '../folders.ts'
import { compiledSources } from '../guest-image/cache-folder.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { isAnswered } from '../rpc/socket-place.ts'

const USAGE = `usage: xend start|stop|restart|status [OPTION ...]
Keeps guests; xm speaks to it. The guests are in a process of their own and do without it.

  start    [--pcpus N] [--cpu JSON] [--no-keep]: what the hypervisor is started with, if none runs
  stop     [--guests]: also destroys all guests and ends the hypervisor
  restart  stop and start; no guest notices
  status   says what runs

exit status: 0 done, 1 not, 2 wrong usage; of status 3 if xend does not run
`
const DAEMON = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url))
const LIMIT_MS = 60_000
const LOOK_MS = 50

const places = folders()
const xend = new RpcClient({ name: 'xend', path: xendSocket(places) })
const hypervisor = new RpcClient({ name: 'the hypervisor', path: controlSocket(places) })

async function until(happened: () => Promise<boolean>, failed: () => string | undefined): Promise<void> {
  const begin = performance.now()
  while (!(await happened())) {
    const why = failed() ?? (performance.now() - begin > LIMIT_MS ? `nothing after ${LIMIT_MS / 1000} s` : undefined)
    if (why !== undefined) throw new CodedError({ code: 'XEND_START' }, why)
    await sleep(LOOK_MS)
  }
}

async function start(options: readonly string[]): Promise<void> {
  if (await isAnswered(xendSocket(places))) return
  mkdirSync(places.state, { recursive: true, mode: 0o700 })
  const logFile = join(places.state, 'xend.log')
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(process.execPath, [...process.execArgv, DAEMON, ...options], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { NODE_COMPILE_CACHE: compiledSources(), ...process.env },
  })
  let ended: string | undefined
  child.on('exit', (status, signal) => {
    ended = `xend ended with ${signal ?? `status ${status}`}; ${logFile} says why`
  })
  child.unref()
  await until(
    () => isAnswered(xendSocket(places)),
    () => ended,
  )
}

async function stop(guests: boolean): Promise<void> {
  if (await isAnswered(xendSocket(places))) await xend.call('stop')
  await until(
    async () => !(await isAnswered(xendSocket(places))),
    () => undefined,
  )
  if (!guests || !(await isAnswered(controlSocket(places)))) return
  await hypervisor.call('stop')
  await until(
    async () => !(await isAnswered(controlSocket(places))),
    () => undefined,
  )
}

async function status(): Promise<number> {
  const [daemon, machine] = await Promise.all([isAnswered(xendSocket(places)), isAnswered(controlSocket(places))])
  const domains = machine ? (await hypervisor.call<readonly unknown[]>('domain.list')).length : 0
  process.stdout.write(`xend: ${daemon ? 'running' : 'stopped'}\n`)
  process.stdout.write(`hypervisor: ${machine ? `running, ${domains} guest${domains === 1 ? '' : 's'}` : 'stopped'}\n`)
  return daemon ? 0 : 3
}

async function xendCommand([command, ...options]: readonly string[]): Promise<number> {
  const isStop = command === 'stop' || command === 'restart'
  const wrong = isStop ? options.find((option) => option !== '--guests') : undefined
  if (command === undefined || !['start', 'stop', 'restart', 'status'].includes(command) || wrong !== undefined) {
    process.stderr.write(USAGE)
    return 2
  }
  try {
    if (command === 'status') return await status()
    if (isStop) await stop(options.includes('--guests'))
    if (command !== 'stop') await start(command === 'restart' ? [] : options)
    return 0
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    process.stderr.write(`Error: ${error.message}\n`)
    return 1
  }
}

process.exitCode = await xendCommand(process.argv.slice(2))
