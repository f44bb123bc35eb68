/** What xend keeps where nobody else does: starts that are not done, and managed domains. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CodedError } from '@paravane/core'

/** Each makes the schema of the next version from that of the one before; a new file has version 0. */
const STEPS: readonly string[] = [
  'CREATE TABLE starting (uuid TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT',
  `CREATE TABLE managed (uuid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL) STRICT;
   CREATE TABLE served (hypervisor INTEGER PRIMARY KEY) STRICT`,
]
const VERSION = STEPS.length

export class Database {
  readonly #path: string
  readonly #database: DatabaseSync

  /** @throws CodedError `DATABASE_VERSION`, `DATABASE` */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.#path = path
    this.#database = opened(path)
    const { user_version: version } = this.#database.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version > VERSION) {
      throw new CodedError(
        { code: 'DATABASE_VERSION', path },
        `${path} is of version ${version}, and this xend knows version ${VERSION}; start the xend that wrote it, or move the file away`,
      )
    }
    for (const [n, step] of STEPS.entries()) {
      if (n >= version) this.#database.exec(`BEGIN; ${step}; PRAGMA user_version = ${n + 1}; COMMIT`)
    }
  }

  /** Records of domains that are to be started and may not be there yet. */
  starting(): readonly string[] {
    return this.#texts('SELECT record AS text FROM starting')
  }

  /** @throws CodedError `DATABASE`, as whatever writes does */
  begins(uuid: string, record: string): void {
    this.#write('INSERT OR REPLACE INTO starting VALUES (?, ?)', uuid, record)
  }

  started(uuid: string): void {
    this.#write('DELETE FROM starting WHERE uuid = ?', uuid)
  }

  /** Definitions of managed domains. */
  managed(): readonly string[] {
    return this.#texts('SELECT definition AS text FROM managed')
  }

  /** In place of what the domain had, if it was there. */
  manage(uuid: string, name: string, definition: string): void {
    this.#write(
      'INSERT INTO managed VALUES (?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET name = excluded.name, definition = excluded.definition',
      uuid,
      name,
      definition,
    )
  }

  forget(uuid: string): void {
    this.#write('DELETE FROM managed WHERE uuid = ?', uuid)
  }

  /** Whether managed domains have been started with this hypervisor. @param hypervisor when it started, which tells it from others */
  isServed(hypervisor: number): boolean {
    return this.#database.prepare('SELECT 1 FROM served WHERE hypervisor = ?').get(hypervisor) !== undefined
  }

  served(hypervisor: number): void {
    this.#write('INSERT OR REPLACE INTO served VALUES (?)', hypervisor)
    this.#write('DELETE FROM served WHERE hypervisor <> ?', hypervisor)
  }

  close(): void {
    this.#database.close()
  }

  #write(statement: string, ...values: readonly (string | number)[]): void {
    try {
      this.#database.prepare(statement).run(...values)
    } catch (error) {
      throw new CodedError(
        { code: 'DATABASE', path: this.#path },
        `${this.#path} cannot be written: ${(error as Error).message}; once it can, try again`,
        { cause: error },
      )
    }
  }

  #texts(query: string): readonly string[] {
    return this.#database
      .prepare(query)
      .all()
      .map(({ text }) => String(text))
  }
}

function opened(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path)
    // A write is on the disk when it returns: a power cut takes nothing that xend has answered for.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    return database
  } catch (error) {
    throw new CodedError(
      { code: 'DATABASE', path },
      `${path} cannot be used: ${(error as Error).message}; move it away, and xend begins a new one without managed domains`,
      { cause: error },
    )
  }
}
