/** Domains as xend has them: those of the hypervisor, with what is to become of each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CodedError } from '@paravane/core'
import type { DomainRow } from '../hypervisor/control-rows.ts'
import type { Logger } from '../log/logger.ts'
import type { RpcCaller } from '../rpc/rpc-client.ts'
import { startFiles } from './boot-files.ts'
import type { Database } from './database.ts'
import { dealWithEnd, makeWay } from './domain-end.ts'
import { formatRecord, type LaunchRecord, parseRecord } from './launch-record.ts'

const LOOK_MS = 50

export interface DomainsInit {
  readonly control: RpcCaller
  readonly database: Database
  readonly log: Logger
  /** Where core dumps go. */
  readonly dumps: string
  /** Where files are that a boot loader took from a disk, until the domain is made. */
  readonly bootFolder: string
}

/** A domain with xend's record; without one another toolstack made it. */
export interface KnownDomain {
  readonly row: DomainRow
  readonly record: LaunchRecord | undefined
}

export class Domains {
  readonly #init: DomainsInit
  #known: readonly KnownDomain[] = []
  #looking: Promise<void> | undefined
  #lookAgain = false
  /** Names by the UUID of domains of which a start or an end is under way here. */
  readonly #busy = new Map<string, string>()
  /** UUIDs of domains that are not started again. */
  readonly #lastRun = new Set<string>()

  constructor(init: DomainsInit) {
    this.#init = init
  }

  list(): readonly KnownDomain[] {
    return this.#known
  }

  /** Names by the UUID of domains of which a start or an end is under way. */
  get busy(): ReadonlyMap<string, string> {
    return this.#busy
  }

  /**
   * Makes a domain; it runs unless it is to be paused. What has begun is ended by the next xend, if this one is killed.
   * @throws CodedError `DOMAIN_BUSY`; what the hypervisor says
   */
  async launch(record: LaunchRecord): Promise<DomainRow> {
    const { uuid, name } = record.config
    if (this.#busy.has(uuid)) {
      throw new CodedError({ code: 'DOMAIN_BUSY', name }, `Domain '${name}' is being started or ended; try again`)
    }
    return this.#launch(record)
  }

  /** The domain of a UUID, when no start or end of it is under way any more. */
  async settled(uuid: string): Promise<KnownDomain | undefined> {
    await this.look()
    while (this.#busy.has(uuid)) {
      await sleep(LOOK_MS)
      await this.look()
    }
    return this.#known.find(({ row }) => row.uuid === uuid)
  }

  /** Its next end is its last one, whatever its policies say. */
  endForGood(uuid: string): void {
    this.#lastRun.add(uuid)
  }

  /** What the hypervisor has; deals with what ended. Settles when all that had happened by now was looked at. */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#lookAgain = true
      return this.#looking
    }
    this.#looking = this.#lookUntilQuiet().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** What a xend before this one had begun. */
  async finishStarts(): Promise<void> {
    await this.look()
    for (const text of this.#init.database.starting()) {
      const record = parseRecord(text)
      if (record === undefined) continue
      try {
        await this.#finishStart(record)
      } catch (error) {
        const why = (error as Error).message
        this.#init.log.error('domain could not be started', { domain: record.config.name, why })
      }
    }
  }

  async #finishStart(record: LaunchRecord): Promise<void> {
    const { control, database, log } = this.#init
    const { uuid, name } = record.config
    const known = this.#known.find(({ row }) => row.uuid === uuid)
    const hasEnded = known?.row.end !== undefined
    // It was to be started again: its end is dealt with anew.
    if (hasEnded && !known.record?.preserved) return
    log.info('a start goes on that was under way when xend or the hypervisor ended', { domain: name })
    if (hasEnded && known.record !== undefined) await makeWay(known.row, known.record, control)
    if (known === undefined || hasEnded) {
      await this.launch(record)
      return
    }
    if (known.record?.unpause) await this.#run(known.row, known.record)
    database.started(uuid)
  }

  async #launch(record: LaunchRecord): Promise<DomainRow> {
    const { database } = this.#init
    const { uuid, name } = record.config
    this.#busy.set(uuid, name)
    this.#lastRun.delete(uuid)
    try {
      database.begins(uuid, formatRecord(record))
      const row = await this.#create(record)
      await this.#run(row, record)
      return row
    } finally {
      this.#busy.delete(uuid)
      database.started(uuid)
      await this.look()
    }
  }

  async #create(record: LaunchRecord): Promise<DomainRow> {
    const { control, bootFolder } = this.#init
    const { boot, ...config } = record.config
    const { kernel, ramdisk, cmdline, release } = await startFiles(record.config, bootFolder)
    const made = { ...config, kernel, ramdisk, cmdline, record: formatRecord(record) }
    try {
      return await control.call<DomainRow>('domain.create', made)
    } finally {
      await release()
    }
  }

  async #run({ domid }: DomainRow, record: LaunchRecord): Promise<void> {
    if (!record.unpause) return
    const { control } = this.#init
    await control.call('domain.unpause', { domid })
    await control.call('domain.note', { domid, record: formatRecord({ ...record, unpause: false }) })
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#lookAgain = false
      const rows = await this.#rows()
      this.#known = rows.map((row) => ({ row, record: parseRecord(row.record) }))
      for (const known of this.#known) {
        if (known.row.end !== undefined) void this.#end(known)
      }
    } while (this.#lookAgain)
  }

  async #rows(): Promise<readonly DomainRow[]> {
    try {
      return await this.#init.control.call<readonly DomainRow[]>('domain.list')
    } catch (error) {
      // Where there is no hypervisor there are no domains.
      this.#known = []
      throw error
    }
  }

  async #end({ row, record }: KnownDomain): Promise<void> {
    const { uuid, name } = row
    if (record === undefined || record.preserved || this.#busy.has(uuid)) return
    this.#busy.set(uuid, name)
    const ports = { ...this.#init, launch: (next: LaunchRecord) => this.#launch(next) }
    try {
      await dealWithEnd(row, record, ports, this.#lastRun.has(uuid))
    } catch (error) {
      this.#init.log.error('end of a domain not dealt with', { domain: name, why: (error as Error).message })
    } finally {
      this.#busy.delete(uuid)
    }
  }
}
