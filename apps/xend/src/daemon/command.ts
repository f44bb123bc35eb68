#!/usr/bin/env node
/** xend start|stop|restart|status|unit: the daemon from outside. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CodedError } from '@paravane/core'
import { configFile, controlSocket, folders, xendSocket } from '../folders.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { isAnswered } from '../rpc/socket-place.ts'
import { xendArguments } from '../settings/read-settings.ts'
import { startXend } from './start-xend.ts'
import { unitText } from './unit.ts'

const USAGE = `usage: xend start|stop|restart|status|unit [OPTION ...] [KEY=VALUE ...]
Keeps guests; xm speaks to it. The guests are in a process of their own and do without it.

  start    [--config FILE] [--pcpus N] [--cpu LEVEL[,-NAME...]] [--no-keep] [KEY=VALUE ...]
           with these settings, and those of FILE (${configFile()})
  stop     first shuts down the managed guests of which on_xend_stop says so;
           [--guests]: also destroys all guests and ends the hypervisor
  restart  [--guests] and what start takes: stop and start; no guest notices, unless they are to go
  status   says what runs
  unit     [--user]: prints a unit for systemd, that of the host or a user's own

exit status: 0 done, 1 not, 2 wrong usage; of status 3 if xend does not run
`
const LIMIT_MS = 60_000
const LOOK_MS = 50

const places = folders()
const hypervisor = new RpcClient({ name: 'the hypervisor', path: controlSocket(places) })

async function start(options: readonly string[]): Promise<void> {
  xendArguments(options)
  if (!(await startXend(places, options))) {
    if (options.length > 0) warn("xend runs already, and what was given has no effect; 'xend restart' takes the same")
    return
  }
  const xend = new RpcClient({ name: 'xend', path: xendSocket(places) })
  for (const warning of await xend.call<readonly string[]>('warnings')) warn(warning)
}

const warn = (line: string): void => void process.stderr.write(`Warning: ${line}\n`)

/** @param params what xend is to do before it ends */
async function stop(guests: boolean, params: object): Promise<void> {
  await end('xend', xendSocket(places), params)
  if (guests) await end('the hypervisor', controlSocket(places))
}

async function end(name: string, path: string, params: object = {}): Promise<void> {
  if (!(await isAnswered(path))) return
  await new RpcClient({ name, path }).call('stop', params)
  const begin = performance.now()
  while (await isAnswered(path)) {
    if (performance.now() - begin > LIMIT_MS) {
      throw new CodedError({ code: 'XEND_STOP' }, `${name} has not ended after ${LIMIT_MS / 1000} s`)
    }
    await sleep(LOOK_MS)
  }
}

async function status(): Promise<number> {
  const [daemon, machine] = await Promise.all([isAnswered(xendSocket(places)), isAnswered(controlSocket(places))])
  const domains = machine ? (await hypervisor.call<readonly unknown[]>('domain.list')).length : 0
  process.stdout.write(`xend: ${daemon ? 'running' : 'stopped'}\n`)
  process.stdout.write(`hypervisor: ${machine ? `running, ${domains} guest${domains === 1 ? '' : 's'}` : 'stopped'}\n`)
  return daemon ? 0 : 3
}

function unit(isUser: boolean): number {
  const { execPath, execArgv, env } = process
  process.stdout.write(unitText({ of: isUser ? 'user' : 'system', node: execPath, nodeArgs: execArgv, env }))
  return 0
}

/** @throws CodedError `USAGE` */
async function run([command, ...args]: readonly string[]): Promise<number> {
  const guests = args.includes('--guests')
  const options = args.filter((arg) => arg !== '--guests')
  if (command === 'status' && args.length === 0) return status()
  if (command === 'unit' && args.every((arg) => arg === '--user')) return unit(args.length > 0)
  if (command === 'stop' && options.length === 0) await stop(guests, { domains: true })
  else if (command === 'start' && !guests) await start(options)
  else if (command === 'restart') {
    xendArguments(options)
    await stop(guests, { domains: false })
    await start(options)
  } else throw new CodedError({ code: 'USAGE' }, '')
  return 0
}

async function xendCommand(argv: readonly string[]): Promise<number> {
  try {
    return await run(argv)
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    if (error.message !== '') process.stderr.write(`Error: ${error.message}\n`)
    if (error.code !== 'USAGE') return 1
    process.stderr.write(USAGE)
    return 2
  }
}

process.exitCode = await xendCommand(process.argv.slice(2))
