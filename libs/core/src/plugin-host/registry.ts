import type { PluginErrorCode } from '../plugin/plugin-error.ts'

/** `listed`: not started yet. `failed` are optional ones: any other failure ends the start. */
export type PluginState = 'listed' | 'active' | 'failed'

/** One line of `xm plugin-list`. */
export interface PluginRecord {
  /** Its id, or what config calls it if it could not even be read. */
  readonly id: string
  readonly use: string
  readonly state: PluginState
  readonly optional: boolean
  /** Names of tokens. */
  readonly requires: readonly string[]
  readonly provides: readonly string[]
  /** Of a failed one. */
  readonly failure?: { readonly code: PluginErrorCode; readonly message: string }
}

/** What was listed, and what became of it, in the order of the list. */
export class PluginRegistry {
  readonly #records = new Map<string, PluginRecord>()

  /** @param record replaces an earlier one of the same `use` */
  set(record: PluginRecord): void {
    this.#records.set(record.use, record)
  }

  list(): PluginRecord[] {
    return [...this.#records.values()]
  }

  find(id: string): PluginRecord | undefined {
    return this.list().find((record) => record.id === id)
  }
}
