import type { RpcCaller } from '../rpc/rpc-client.ts'
import type { Domains } from './domains.ts'
import { formatRecord, type LaunchConfig } from './launch-record.ts'
import type { ManagedDomains } from './managed-domains.ts'

/** What becomes of a domain's config, as it is by then. */
export type ConfigChange = (config: LaunchConfig) => Partial<LaunchConfig>

/** Has what was changed of a running domain outlive its restart, and its end if it is managed. */
export class KeptChanges {
  readonly #domains: Domains
  readonly #managed: ManagedDomains
  readonly #control: RpcCaller
  #turn: Promise<void> = Promise.resolve()

  constructor(domains: Domains, managed: ManagedDomains, control: RpcCaller) {
    this.#domains = domains
    this.#managed = managed
    this.#control = control
  }

  /** One change after another, as each begins with what the one before has left. */
  keep(uuid: string, change: ConfigChange): Promise<void> {
    const kept = this.#turn.then(() => this.#keep(uuid, change))
    this.#turn = kept.catch(() => {})
    return kept
  }

  async #keep(uuid: string, change: ConfigChange): Promise<void> {
    this.#managed.change(uuid, change)
    await this.#domains.look()
    const known = this.#domains.list().find(({ row }) => row.uuid === uuid)
    if (known?.record === undefined) return
    const { row, record } = known
    const changed = { ...record, config: { ...record.config, ...change(record.config) } }
    await this.#control.call('domain.note', { domid: row.domid, record: formatRecord(changed) })
    await this.#domains.look()
  }
}
