/** What is done with a domain that has ended, so that xend may be killed at any point of it and the next one go on. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hostEntropy, newUuid } from '@paravane/core'
import { coreFile } from '../folders.ts'
import type { DomainRow } from '../hypervisor/control-rows.ts'
import type { Logger } from '../log/logger.ts'
import type { RpcCaller } from '../rpc/rpc-client.ts'
import type { Database } from './database.ts'
import { formatRecord, type LaunchRecord, launchOf } from './launch-record.ts'
import { type Verdict, verdict } from './lifecycle.ts'

export interface EndPorts {
  readonly control: RpcCaller
  readonly database: Database
  readonly log: Logger
  /** Where core dumps go. */
  readonly dumps: string
  /** Starts the domain again. */
  readonly launch: (record: LaunchRecord) => Promise<unknown>
}

/** @param forGood it is not started again, whatever its policies say */
export async function dealWithEnd(
  row: DomainRow,
  record: LaunchRecord,
  ports: EndPorts,
  forGood: boolean,
): Promise<void> {
  const { log } = ports
  const { name, domid, end } = row
  if (end === undefined) return
  const seconds = (Date.now() - record.started) / 1000
  const what: Verdict = forGood ? { action: 'destroy' } : verdict(name, end.reason, record.policies, seconds)
  log.info('domain ended', { domain: name, domid, reason: end.reason, detail: end.detail, action: what.action })
  if (what.dump) await dumpCore(row, ports)
  if (what.refused) log.warn(what.refused, { domain: name, domid })
  await AFTER[what.action](row, { ...record, config: { ...record.config, name } }, ports)
}

const AFTER: Readonly<
  Record<Verdict['action'], (row: DomainRow, record: LaunchRecord, ports: EndPorts) => Promise<unknown>>
> = {
  destroy: ({ domid }, _, { control }) => control.call('domain.destroy', { domid }),
  preserve: ({ domid }, record, { control }) =>
    control.call('domain.note', { domid, record: formatRecord({ ...record, preserved: true }) }),
  restart: async ({ domid }, record, { control, database, launch }) => {
    const next = launchOf(record, true)
    // Before the old one is gone, so that no end of xend loses it.
    database.begins(record.config.uuid, formatRecord(next))
    await control.call('domain.destroy', { domid })
    await launch(next)
  },
  'rename-restart': async (row, record, ports) => {
    const { control, database, launch, log } = ports
    const next = launchOf(record, true)
    const uuid = newUuid(hostEntropy)
    const kept = { ...record, preserved: true, config: { ...record.config, uuid, name: `Domain-${uuid}` } }
    database.begins(record.config.uuid, formatRecord(next))
    // Its end has been dealt with, from here on: what is left of it is to make way.
    await control.call('domain.note', { domid: row.domid, record: formatRecord(kept) })
    await makeWay(row, kept, control)
    log.info('domain kept', { domain: row.name, domid: row.domid, as: kept.config.name })
    await launch(next)
  },
}

/** Gives a preserved domain the name and the UUID that its record has, so that another can have its own. */
export async function makeWay({ domid }: DomainRow, { config }: LaunchRecord, control: RpcCaller): Promise<void> {
  await control.call('domain.rename', { domid, name: config.name, uuid: config.uuid })
}

/** What cannot be dumped is dealt with all the same. */
async function dumpCore({ name, domid }: DomainRow, { control, dumps, log }: EndPorts): Promise<void> {
  const file = coreFile(dumps, name, domid, new Date())
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await control.call('domain.dump', { domid, file })
    log.info('core dumped', { domain: name, domid, file })
  } catch (error) {
    log.error('core could not be dumped', { domain: name, domid, why: (error as Error).message })
  }
}
