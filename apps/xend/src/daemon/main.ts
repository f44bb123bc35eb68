/** xend: keeps domains as their owners want them. The guests are in another process, and do without it. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bootFiles, coreDumps, folders, userFolder, xendReadOnlySocket, xendSocket } from '../folders.ts'
import { findGroup } from '../host-group.ts'
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import { logger } from '../log/logger.ts'
import { standardError } from '../log/standard-error.ts'
import { lockProcess } from '../process-lock.ts'
import { endRefused } from '../refusal.ts'
import { type Service, startService } from '../rpc/http-service.ts'
import { questionsOf } from '../rpc/verbs.ts'
import { openRunFolder, type SocketGroups, takeRunFolder } from '../run-folder.ts'
import { differences, hypervisorArguments } from '../settings/hypervisor-settings.ts'
import { readSettings } from '../settings/read-settings.ts'
import type { XendSettings } from '../settings/xend-keys.ts'
import { RequestCounts } from '../stats/request-counts.ts'
import { daemonVerbs } from './daemon-verbs.ts'
import { Database } from './database.ts'
import { Domains } from './domains.ts'
import { HypervisorLink } from './hypervisor-link.ts'
import { ManagedDomains } from './managed-domains.ts'
import { daemonPages } from './pages.ts'

async function main(): Promise<void> {
  // Whatever is not given to a group is nobody else's.
  process.umask(0o077)
  const read = await readSettings(process.argv.slice(2), userFolder('xend'))
  const { settings, warnings } = read
  const log = logger({
    level: settings.log_level,
    format: settings.log_format,
    write: standardError(settings.log_kib * 1024),
  })
  const places = folders()
  const groups = await groupsOf(settings)
  mkdirSync(places.state, { recursive: true, mode: 0o700 })
  await takeRunFolder(places.run)
  lockProcess(join(places.run, 'xend.lock'), 'xend')
  await openRunFolder(places.run, groups)
  // No folder of a user's is held by a daemon.
  process.chdir('/')
  const args = hypervisorArguments(settings, read.pluginFolder)
  const link = new HypervisorLink({ places, args, log })
  const control = link.client
  await link.open()
  const { settings: running = args } = await control.call<ControlInfo>('info')
  const warned = [...warnings, ...differences(args, running)]
  for (const warning of warned) log.warn(warning)

  // What an end of xend has left.
  rmSync(bootFiles(places), { recursive: true, force: true })
  const database = new Database(join(places.state, 'xend.db'))
  const domains = new Domains({ control, database, log, dumps: coreDumps(places), bootFolder: bootFiles(places) })
  const managed = new ManagedDomains({ domains, control, database, log })
  await domains.finishStarts()
  const failed = (error: unknown): void => log.error((error as Error).message)
  link.watch({
    changed: () => void domains.look().catch(failed),
    replaced: () => void domains.finishStarts().then(startManaged).catch(failed),
  })
  const counts = new RequestCounts()
  const verbs = daemonVerbs(domains, managed, control, {
    log,
    stop: () => setImmediate(stop),
    warnings: warned,
    settings,
  })
  const shared = {
    pages: daemonPages(control, counts),
    answered: (method: string, code: string | undefined) => {
      log.trace('request', { method, code })
      counts.answered(method, code)
    },
    failed: (error: unknown) => log.bug(error),
  }
  const services: Service[] = [
    await startService({
      ...shared,
      place: { path: xendReadOnlySocket(places), group: groups.readers },
      verbs: questionsOf(verbs),
    }),
  ]
  if (settings.metrics_port !== 0) {
    services.push(await startService({ ...shared, place: { port: settings.metrics_port }, verbs: new Map() }))
  }
  // Last, as who started xend waits for it.
  services.push(await startService({ ...shared, place: { path: xendSocket(places), group: groups.group }, verbs }))
  log.info('xend listens', { at: services.map(({ path }) => path).join(' ') })
  // Whoever started it has seen it.
  if (process.connected) process.disconnect()
  await startManaged().catch(failed)

  async function startManaged(): Promise<void> {
    const { started } = await control.call<ControlInfo>('info')
    await managed.startWith(started)
  }

  async function stop(): Promise<void> {
    await Promise.all(services.map((service) => service.close()))
    database.close()
    log.info('xend ends')
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => void stop())
}

async function groupsOf({ group, readers }: XendSettings): Promise<SocketGroups> {
  const of = (name: string | undefined) => (name === undefined ? undefined : findGroup(name))
  const own = await of(group)
  return { group: own, readers: (await of(readers)) ?? own }
}

main().catch(endRefused)
