import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CodedError } from '@paravane/core'

/** A collected database would let go. */
const held: DatabaseSync[] = []
const SQLITE_BUSY = 5
/** One that is ending holds it a little longer than its socket, ms. */
const PATIENCE = 5000

/**
 * Holds a file against other processes until this one ends, however it ends: SQLite's lock of a database, as Node has none of its own.
 * @throws CodedError `LOCKED`
 */
export function lockProcess(path: string, what: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(path, { timeout: PATIENCE })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new CodedError({ code: 'LOCKED', path }, `${what} runs already: ${path} is held; end it first`, {
      cause: error,
    })
  }
  held.push(database)
}

/** Whether a process holds it. Nothing is changed, and no process is kept from it. */
export function isLocked(path: string): boolean {
  if (!existsSync(path)) return false
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    database.exec('SELECT * FROM sqlite_schema')
    return false
  } catch (error) {
    return (error as { errcode?: number }).errcode === SQLITE_BUSY
  } finally {
    database.close()
  }
}
