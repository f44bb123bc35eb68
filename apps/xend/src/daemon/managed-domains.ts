/** Domains that xend keeps while they do not run, too: xm new, start and delete, and what on_xend_start and on_xend_stop say. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CodedError } from '@paravane/core'
import { domainOf } from '../find-domain.ts'
import type { DomainRow } from '../hypervisor/control-rows.ts'
import type { Logger } from '../log/logger.ts'
import type { RpcCaller } from '../rpc/rpc-client.ts'
import type { Database } from './database.ts'
import { Definitions } from './definitions.ts'
import { DOMAIN_0 } from './domain-0.ts'
import type { Domains } from './domains.ts'
import { type DomainDefinition, type LaunchConfig, launchOf } from './launch-record.ts'

export interface ManagedInit {
  readonly domains: Domains
  readonly control: RpcCaller
  readonly database: Database
  readonly log: Logger
}

/** Of a domain that is asked to shut down before xend stops. */
const SHUTDOWN_LIMIT_MS = 60_000
const LOOK_MS = 100

export class ManagedDomains {
  readonly #init: ManagedInit
  readonly #definitions: Definitions

  constructor(init: ManagedInit) {
    this.#init = init
    this.#definitions = new Definitions(init.database)
  }

  /** Those that do not run. */
  inactive(): readonly DomainDefinition[] {
    return this.#definitions.list().filter(({ config }) => this.#rowOf(config.uuid) === undefined)
  }

  has(uuid: string): boolean {
    return this.#definitions.has(uuid)
  }

  /** What a running domain got holds for its next start, too. */
  change(uuid: string, change: (config: LaunchConfig) => Partial<LaunchConfig>): void {
    this.#definitions.change(uuid, change)
  }

  /** @throws CodedError `DOMAIN_EXISTS` */
  define(definition: DomainDefinition): void {
    this.refuseTaken(definition.config)
    this.#definitions.keep(definition)
  }

  /** @throws CodedError `DOMAIN_UNKNOWN`, `DOMAIN_STATE`; what a launch does */
  async start(name: string, paused: boolean): Promise<DomainRow> {
    await this.#init.domains.look()
    const definition = this.#definitions.find(name)
    if (this.#running(name) || (definition && this.#rowOf(definition.config.uuid))) {
      throw new CodedError({ code: 'DOMAIN_STATE', name }, 'Domain is already running')
    }
    if (definition === undefined) throw unknown(name)
    return this.#init.domains.launch(launchOf(definition, !paused))
  }

  /** @throws CodedError `DOMAIN_UNKNOWN`, `DOMAIN_STATE` */
  async remove(name: string): Promise<void> {
    await this.#init.domains.look()
    const definition = this.#definitions.find(name)
    const uuid = definition?.config.uuid ?? ''
    if (this.#running(name) || this.#rowOf(uuid) !== undefined || this.#init.domains.busy.has(uuid)) {
      throw new CodedError({ code: 'DOMAIN_STATE', name }, 'Domain is not halted.')
    }
    if (definition === undefined) throw unknown(name)
    this.#definitions.forget(uuid)
  }

  /** A name belongs to one domain, whether it runs or not. @throws CodedError `DOMAIN_EXISTS` */
  refuseTaken({ name, uuid }: { readonly name: string; readonly uuid: string }): void {
    const live = this.#init.domains.list().find(({ row }) => row.name === name && row.uuid !== uuid)
    const kept = this.#definitions.list().some(({ config }) => config.name === name && config.uuid !== uuid)
    const coming = [...this.#init.domains.busy].some(([other, taken]) => taken === name && other !== uuid)
    if (!live && !kept && !coming && name !== DOMAIN_0) return
    const which = name === DOMAIN_0 ? ' as domain 0' : live === undefined ? '' : ` as domain ${live.row.domid}`
    throw new CodedError({ code: 'DOMAIN_EXISTS', name }, `VM name '${name}' already exists${which}`)
  }

  /** Starts those that are to be with each new hypervisor. @param hypervisor when it started */
  async startWith(hypervisor: number): Promise<void> {
    const { database, domains, log } = this.#init
    if (database.isServed(hypervisor)) return
    for (const { config, onXendStart } of this.#definitions.list()) {
      if (onXendStart !== 'start' || this.#rowOf(config.uuid) !== undefined) continue
      log.info('on_xend_start', { domain: config.name })
      await this.start(config.uuid, false).catch((error: Error) =>
        log.error('domain could not be started', { domain: config.name, why: error.message }),
      )
    }
    await domains.look()
    database.served(hypervisor)
  }

  /** Shuts down those that are to be when xend stops, and waits for them, but not for ever. */
  async shutDown(): Promise<void> {
    const { domains, control, log } = this.#init
    await domains.look()
    const asked = domains
      .list()
      .filter(({ row, record }) => record?.onXendStop === 'shutdown' && !row.end && this.has(row.uuid))
    for (const { row } of asked) {
      log.info('on_xend_stop', { domain: row.name, domid: row.domid })
      domains.endForGood(row.uuid)
      await control.call('domain.shutdown', { domid: row.domid, how: 'poweroff' })
    }
    const limit = performance.now() + SHUTDOWN_LIMIT_MS
    for (;;) {
      await domains.look()
      const left = asked.filter(({ row }) => domains.list().some((known) => known.row.domid === row.domid))
      if (left.length === 0) return
      if (performance.now() > limit) {
        const seconds = SHUTDOWN_LIMIT_MS / 1000
        for (const { row } of left) log.warn('domain has not shut down, and runs on', { domain: row.name, seconds })
        return
      }
      await sleep(LOOK_MS)
    }
  }

  #rowOf(uuid: string): DomainRow | undefined {
    return this.#init.domains.list().find(({ row }) => row.uuid === uuid)?.row
  }

  #running(nameOrId: string): boolean {
    const rows = this.#init.domains.list().map(({ row }) => row)
    return nameOrId === DOMAIN_0 || nameOrId === '0' || domainOf(rows, nameOrId) !== undefined
  }
}

const unknown = (name: string): CodedError<{ code: string; name: string }> =>
  new CodedError({ code: 'DOMAIN_UNKNOWN', name }, `Domain '${name}' does not exist.`)
