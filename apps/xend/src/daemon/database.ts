/** What xend keeps where nobody else does: starts that are not done. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CodedError } from '@paravane/core'

const VERSION = 1
const SCHEMA = `
  CREATE TABLE starting (uuid TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${VERSION}`

export class Database {
  readonly #database: DatabaseSync

  /** @throws CodedError `DATABASE_VERSION` */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.#database = new DatabaseSync(path)
    // A write is on the disk when it returns: a power cut takes nothing that xend has answered for.
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const { user_version: version } = this.#database.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version === 0) this.#database.exec(`BEGIN; ${SCHEMA}; COMMIT`)
    else if (version !== VERSION) {
      throw new CodedError(
        { code: 'DATABASE_VERSION', path },
        `${path} is of version ${version}, and this xend knows version ${VERSION}; start the xend that wrote it, or move the file away`,
      )
    }
  }

  /** Records of domains that are to be started and may not be there yet. */
  starting(): readonly string[] {
    return this.#database
      .prepare('SELECT record FROM starting')
      .all()
      .map(({ record }) => String(record))
  }

  begins(uuid: string, record: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO starting VALUES (?, ?)').run(uuid, record)
  }

  started(uuid: string): void {
    this.#database.prepare('DELETE FROM starting WHERE uuid = ?').run(uuid)
  }

  close(): void {
    this.#database.close()
  }
}
