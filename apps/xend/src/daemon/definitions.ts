/** Managed domains as xend keeps them: what each is to be, whether it runs or not. */
import type { Database } from './database.ts'
import { type DomainDefinition, formatDefinition, type LaunchConfig, parseDefinition } from './launch-record.ts'

export class Definitions {
  readonly #database: Database
  readonly #all = new Map<string, DomainDefinition>()

  constructor(database: Database) {
    this.#database = database
    for (const text of database.managed()) {
      const definition = parseDefinition(text)
      if (definition !== undefined) this.#all.set(definition.config.uuid, definition)
    }
  }

  list(): readonly DomainDefinition[] {
    return [...this.#all.values()]
  }

  has(uuid: string): boolean {
    return this.#all.has(uuid)
  }

  find(nameOrUuid: string): DomainDefinition | undefined {
    return this.list().find(({ config }) => config.name === nameOrUuid) ?? this.#all.get(nameOrUuid)
  }

  /** In place of what the domain was to be, if it was managed. */
  keep(definition: DomainDefinition): void {
    const { uuid, name } = definition.config
    this.#database.manage(uuid, name, formatDefinition(definition))
    this.#all.set(uuid, definition)
  }

  /** Of a domain that is not managed nothing is kept. */
  change(uuid: string, change: (config: LaunchConfig) => Partial<LaunchConfig>): void {
    const definition = this.#all.get(uuid)
    if (definition !== undefined)
      this.keep({ ...definition, config: { ...definition.config, ...change(definition.config) } })
  }

  forget(uuid: string): void {
    this.#database.forget(uuid)
    this.#all.delete(uuid)
  }
}
