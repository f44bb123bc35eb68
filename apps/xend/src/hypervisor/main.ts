/** The hypervisor as a process of its own: guests, domain 0's services and the control socket. xend starts it, and may come and go. */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compose, hwCaps } from '../compose.ts'
import { consoleLogs, controlSocket, folders, xenstoreSocket } from '../folders.ts'
import { cacheFolder } from '../guest-image/cache-folder.ts'
import { lockProcess } from '../process-lock.ts'
import { endRefused } from '../refusal.ts'
import { startService } from '../rpc/http-service.ts'
import { takeSocket } from '../rpc/socket-place.ts'
import { Changes } from './changes.ts'
import { Consoles } from './consoles.ts'
import { Control } from './control.ts'
import { MessageLog } from './message-log.ts'

const STORE_CLIENTS_MAX = 1000

/** This thread is domain 0. */
function cpuSecondsOfThread(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

const { values } = parseArgs({
  options: { pcpus: { type: 'string' }, cpu: { type: 'string' }, 'no-keep': { type: 'boolean' } },
})
const messages = new MessageLog()
/** To the log, and to whoever asks for the hypervisor's messages. */
function say(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`)
  messages.say(line)
}

async function main(): Promise<void> {
  const places = folders()
  lockProcess(join(places.run, 'hypervisor.lock'), 'the hypervisor')
  const keep = values['no-keep'] ? undefined : join(cacheFolder(), 'regions')
  if (keep !== undefined) mkdirSync(keep, { recursive: true, mode: 0o700 })
  const pcpus = values.pcpus === undefined ? availableParallelism() : Number(values.pcpus)
  const started = Date.now()
  const cpu = values.cpu === undefined ? undefined : JSON.parse(values.cpu)
  const hypervisor = await compose({
    pcpus,
    vcpus: pcpus,
    cpu,
    keep,
    guestLog: (domid, bytes) => messages.guest(domid, bytes),
    warn: say,
  })
  const caps = hwCaps(cpu)
  // Domain 0 is in the store like any other.
  hypervisor.xenstore.write('/local/domain/0/name', 'Domain-0')
  hypervisor.xenstore.write('/local/domain/0/domid', '0')
  const changes = new Changes()
  const consoles = new Consoles(consoleLogs(places))
  const control = new Control({
    hypervisor,
    consoles,
    messages,
    info: () => ({
      pid: process.pid,
      version: '4.17',
      pcpus,
      scheduler: 'credit',
      started,
      cpuSeconds: cpuSecondsOfThread(),
      residentMiB: process.memoryUsage.rss() / 2 ** 20,
      hwCaps: caps,
      commandline: process.argv.slice(2).join(' '),
    }),
    changed: () => changes.happened(),
    stop: () => setImmediate(stop),
  })
  const service = await startService({
    place: { path: controlSocket(places), mode: 0o600 },
    verbs: control.verbs(),
    pages: new Map([['/changes', (response) => changes.listen(response)]]),
    upgrade: ({ url = '' }, socket) => {
      const domid = Number(/^\/console\/(\d{1,5})$/.exec(url)?.[1])
      if (!consoles.has(domid)) return false
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: paravane\r\n\r\n')
      consoles.attach(domid, socket)
      return true
    },
    failed: (error) => say(`a bug of Paravane: ${error instanceof Error ? error.stack : String(error)}`),
  })
  const store = createServer((socket) => hypervisor.acceptXenstoreClient(socket))
  store.maxConnections = STORE_CLIENTS_MAX
  await takeSocket(store, { path: xenstoreSocket(places), mode: 0o600 })
  say(`listening at ${service.path} and ${xenstoreSocket(places)}`)
  // Whoever started it has seen it.
  if (process.connected) process.disconnect()

  let stopping = false
  async function stop(): Promise<void> {
    if (stopping) return
    stopping = true
    await hypervisor.stop()
    await service.close()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  // A terminal that is gone, or xend's own end, is nothing to the guests.
  process.on('SIGHUP', () => {})
}

main().catch(endRefused)
