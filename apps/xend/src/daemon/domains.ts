/** Domains as xend has them: those of the hypervisor, with what is to become of each. */
import type { DomainRow } from '../hypervisor/control-rows.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import type { Database } from './database.ts'
import { formatRecord, type LaunchRecord, parseRecord } from './launch-record.ts'
import { type Verdict, verdict } from './lifecycle.ts'

export interface DomainsInit {
  readonly control: RpcClient
  readonly database: Database
  readonly log: (line: string) => void
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
  /** UUIDs of which a start or an end is under way here. */
  readonly #busy = new Set<string>()

  constructor(init: DomainsInit) {
    this.#init = init
  }

  list(): readonly KnownDomain[] {
    return this.#known
  }

  /** Makes a domain; it runs unless it is to be paused. What has begun is ended by the next xend, if this one is killed. */
  async launch(record: LaunchRecord): Promise<DomainRow> {
    const { control, database } = this.#init
    const { uuid } = record.config
    this.#busy.add(uuid)
    try {
      database.begins(uuid, formatRecord(record))
      const row = await control.call<DomainRow>('domain.create', { ...record.config, record: formatRecord(record) })
      await this.#run(row, record)
      return row
    } finally {
      database.started(uuid)
      this.#busy.delete(uuid)
      await this.look()
    }
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
      const known = this.#known.find(({ row }) => row.uuid === record.config.uuid)
      // It was to be started again: its end is dealt with anew.
      if (known?.row.end !== undefined) continue
      this.#init.log(`${record.config.name}: its start was under way when xend ended`)
      try {
        if (known === undefined) await this.launch(record)
        else {
          if (known.record?.unpause) await this.#run(known.row, known.record)
          this.#init.database.started(record.config.uuid)
        }
      } catch (error) {
        this.#init.log(`${record.config.name} could not be started: ${(error as Error).message}`)
      }
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
      const rows = await this.#init.control.call<readonly DomainRow[]>('domain.list')
      this.#known = rows.map((row) => ({ row, record: parseRecord(row.record) }))
      for (const known of this.#known) {
        if (known.row.end !== undefined) void this.#end(known)
      }
    } while (this.#lookAgain)
  }

  async #end({ row, record }: KnownDomain): Promise<void> {
    const { uuid, name, end } = row
    if (record === undefined || record.preserved || end === undefined || this.#busy.has(uuid)) return
    this.#busy.add(uuid)
    const { log } = this.#init
    try {
      const what = verdict(name, end.reason, record.policies, (Date.now() - record.started) / 1000)
      log(`${name} (domain ${row.domid}): ${end.reason}${end.detail ? ` (${end.detail})` : ''}, ${what.action}`)
      if (what.refused) log(what.refused)
      await this.#carryOut(what, row, record)
    } catch (error) {
      log(`${name}: ${(error as Error).message}`)
    } finally {
      this.#busy.delete(uuid)
    }
  }

  async #carryOut({ action }: Verdict, { domid }: DomainRow, record: LaunchRecord): Promise<void> {
    const { control, database } = this.#init
    if (action === 'preserve') {
      await control.call('domain.note', { domid, record: formatRecord({ ...record, preserved: true }) })
      return
    }
    const next: LaunchRecord = { ...record, unpause: true, started: Date.now() }
    // Before the old one is gone, so that no end of xend loses it.
    if (action === 'restart') database.begins(record.config.uuid, formatRecord(next))
    await control.call('domain.destroy', { domid })
    if (action === 'restart') await this.launch(next)
  }
}
