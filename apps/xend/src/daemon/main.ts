/** xend: keeps domains as their owners want them. The guests are in another process, and do without it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { coreDumps, folders, xendSocket } from '../folders.ts'
import type { ControlInfo } from '../hypervisor/control-rows.ts'
import { lockProcess } from '../process-lock.ts'
import { endRefused } from '../refusal.ts'
import { startService } from '../rpc/http-service.ts'
import { daemonVerbs } from './daemon-verbs.ts'
import { Database } from './database.ts'
import { Domains } from './domains.ts'
import { linkHypervisor } from './hypervisor-link.ts'
import { ManagedDomains } from './managed-domains.ts'

const log = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`)

async function main(): Promise<void> {
  const places = folders()
  mkdirSync(places.state, { recursive: true, mode: 0o700 })
  lockProcess(join(places.run, 'xend.lock'), 'xend')
  const link = await linkHypervisor(places, process.argv.slice(2))
  const database = new Database(join(places.state, 'xend.db'))
  const control = link.client
  const domains = new Domains({ control, database, log, dumps: coreDumps(places) })
  const managed = new ManagedDomains({ domains, control, database, log })
  await domains.finishStarts()
  link.watch(
    () => void domains.look().catch((error) => log(String(error))),
    () => log('the hypervisor is gone'),
  )
  const service = await startService({
    place: { path: xendSocket(places), mode: 0o600 },
    verbs: daemonVerbs(domains, managed, control, { log, stop: () => setImmediate(stop) }),
    failed: (error) => log(`a bug of Paravane: ${error instanceof Error ? error.stack : String(error)}`),
  })
  log(`xend listens at ${service.path}`)
  // Whoever started it has seen it.
  if (process.connected) process.disconnect()
  const { started } = await control.call<ControlInfo>('info')
  await managed.startWith(started)

  async function stop(): Promise<void> {
    await service.close()
    database.close()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => void stop())
}

main().catch(endRefused)
