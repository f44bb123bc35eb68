#!/usr/bin/env node
/** xend start|stop|restart|status: the daemon from outside. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CodedError } from '@paravane/core'
import { controlSocket, folders, xendSocket } from '../folders.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { isAnswered } from '../rpc/socket-place.ts'
import { startXend } from './start-xend.ts'

const USAGE = `usage: xend start|stop|restart|status [OPTION ...]
Keeps guests; xm speaks to it. The guests are in a process of their own and do without it.

  start    [--pcpus N] [--cpu JSON] [--no-keep]: what the hypervisor is started with, if none runs
  stop     first shuts down the managed guests of which on_xend_stop says so;
           [--guests]: also destroys all guests and ends the hypervisor
  restart  stop and start; no guest notices
  status   says what runs

exit status: 0 done, 1 not, 2 wrong usage; of status 3 if xend does not run
`
const LIMIT_MS = 60_000
const LOOK_MS = 50

const places = folders()
const hypervisor = new RpcClient({ name: 'the hypervisor', path: controlSocket(places) })

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

async function xendCommand([command, ...options]: readonly string[]): Promise<number> {
  const isStop = command === 'stop' || command === 'restart'
  const wrong = isStop ? options.find((option) => option !== '--guests') : undefined
  if (command === undefined || !['start', 'stop', 'restart', 'status'].includes(command) || wrong !== undefined) {
    process.stderr.write(USAGE)
    return 2
  }
  try {
    if (command === 'status') return await status()
    if (isStop) await stop(options.includes('--guests'), { domains: command === 'stop' })
    if (command !== 'stop') await startXend(places, command === 'restart' ? [] : options)
    return 0
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    process.stderr.write(`Error: ${error.message}\n`)
    return 1
  }
}

process.exitCode = await xendCommand(process.argv.slice(2))
