/** The hypervisor as a process of its own: guests, domain 0's services and the control socket. xend starts it, and may come and go. */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { noConfig } from '@paravane/core'
import { compose, hwCaps } from '../compose.ts'
import { consoleLogs, controlSocket, folders, xenstoreSocket } from '../folders.ts'
import { cacheFolder } from '../guest-image/cache-folder.ts'
import { findGroup } from '../host-group.ts'
import { logger } from '../log/logger.ts'
import { standardError } from '../log/standard-error.ts'
import { lockProcess } from '../process-lock.ts'
import { endRefused } from '../refusal.ts'
import { ownRelease } from '../release.ts'
import { startService } from '../rpc/http-service.ts'
import { takeSocket } from '../rpc/socket-place.ts'
import { type AnyVerb, verb } from '../rpc/verbs.ts'
import { takeRunFolder } from '../run-folder.ts'
import { hypervisorSettings } from '../settings/hypervisor-settings.ts'
import { RequestCounts } from '../stats/request-counts.ts'
import { Captures, UPGRADED } from './captures.ts'
import { Changes } from './changes.ts'
import { Consoles } from './consoles.ts'
import { Control } from './control.ts'
import { MessageLog } from './message-log.ts'
import { hypervisorStats } from './stats.ts'

const STORE_CLIENTS_MAX = 1000

/** This thread is domain 0. */
function cpuSecondsOfThread(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

const settings = hypervisorSettings(process.argv.slice(2))
const log = logger({
  level: settings.log_level,
  format: settings.log_format,
  write: standardError(settings.log_kib * 1024),
})
const messages = new MessageLog()
/** To the log, and to whoever asks for the hypervisor's messages. */
function say(line: string): void {
  log.warn(line)
  messages.say(line)
}

async function main(): Promise<void> {
  // Whatever is not given to a group is nobody else's.
  process.umask(0o077)
  const places = folders()
  await takeRunFolder(places.run)
  lockProcess(join(places.run, 'hypervisor.lock'), 'the hypervisor')
  const keep = settings.keep ? join(cacheFolder(), 'regions') : undefined
  if (keep !== undefined) mkdirSync(keep, { recursive: true, mode: 0o700 })
  const group = settings.group === undefined ? undefined : await findGroup(settings.group)
  const { pcpus, cpu, plugins, pluginFolder, sched, networks, default_network: defaultNetwork } = settings
  const started = Date.now()
  const captures = new Captures()
  const hypervisor = await compose({
    pcpus,
    vcpus: pcpus,
    cpu,
    keep,
    plugins,
    pluginFolder,
    scheduler: sched,
    networks,
    defaultNetwork,
    takeNetworks: captures.take,
    guestLog: (domid, bytes) => messages.guest(domid, bytes),
    xenstoreLog: (line) => log.info(`xenstore: ${line}`),
    warn: say,
  })
  const release = ownRelease()
  // The engine has accepted it.
  const caps = hwCaps(cpu as Parameters<typeof hwCaps>[0])
  // Domain 0 is in the store like any other.
  hypervisor.xenstore.write('/local/domain/0/name', 'Domain-0')
  hypervisor.xenstore.write('/local/domain/0/domid', '0')
  const changes = new Changes()
  const consoles = new Consoles({
    folder: consoleLogs(places),
    logLimit: settings.log_kib * 1024,
    kept: settings.console_kib * 1024,
  })
  const counts = new RequestCounts()
  const control = new Control({
    hypervisor,
    consoles,
    messages,
    networks: () => captures.list(),
    info: () => ({
      pid: process.pid,
      version: '4.17',
      release,
      pcpus,
      scheduler: sched,
      started,
      cpuSeconds: cpuSecondsOfThread(),
      residentMiB: process.memoryUsage.rss() / 2 ** 20,
      hwCaps: caps,
      commandline: process.argv.slice(2).join(' '),
      settings: process.argv.slice(2),
    }),
    changed: () => changes.happened(),
    stop: () => setImmediate(stop),
  })
  let storeClients = 0
  const store = createServer((socket) => {
    storeClients++
    socket.on('close', () => storeClients--)
    hypervisor.acceptXenstoreClient(socket)
  })
  store.maxConnections = STORE_CLIENTS_MAX
  const sources = { consoles, counts, storeClients: () => storeClients }
  const service = await startService({
    place: { path: controlSocket(places), group },
    verbs: new Map<string, AnyVerb>([...control.verbs(), ['stats', verb(noConfig, () => hypervisorStats(sources))]]),
    answered: (method, code) => {
      log.trace('request', { method, code })
      counts.answered(method, code)
    },
    pages: new Map([['/changes', (response) => changes.listen(response)]]),
    upgrade: ({ url = '' }, socket) => {
      if (captures.start(url, socket)) return true
      const domid = Number(/^\/console\/(\d{1,5})$/.exec(url)?.[1])
      if (!consoles.has(domid)) return false
      socket.write(UPGRADED)
      consoles.attach(domid, socket)
      return true
    },
    failed: (error) => log.bug(error),
  })
  await takeSocket(store, { path: xenstoreSocket(places), group })
  log.info('the hypervisor listens', { control: service.path, xenstore: xenstoreSocket(places) })
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
