import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Database } from '../../src/daemon/database.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-db-'))
  path = join(folder, 'xend.db')
})
afterEach(() => rm(folder, { recursive: true }))

function written(sql: string): void {
  const raw = new DatabaseSync(path)
  raw.exec(sql)
  raw.close()
}

test('what was written is there for the next xend', () => {
  const first = new Database(path)
  first.begins('u', 'record')
  first.manage('m', 'name', 'definition')
  first.manage('m', 'renamed', 'changed')
  first.manage('n', 'name', 'other')
  first.forget('n')
  first.served(7)
  first.close()
  const next = new Database(path)
  expect([next.starting(), next.managed()]).toEqual([['record'], ['changed']])
  expect([next.isServed(7), next.isServed(8)]).toEqual([true, false])
  next.served(8)
  expect([next.isServed(7), next.isServed(8)]).toEqual([false, true])
  next.close()
})

test('a name is that of one managed domain', () => {
  const database = new Database(path)
  database.manage('m', 'name', 'definition')
  expect(() => database.manage('n', 'name', 'other')).toThrow(/^.*xend\.db cannot be written: UNIQUE/)
  expect(database.managed()).toEqual(['definition'])
  database.close()
})

test('a file of version 1 keeps what is in it', () => {
  written(`CREATE TABLE starting (uuid TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
    INSERT INTO starting VALUES ('u', 'begun'); PRAGMA user_version = 1`)
  const database = new Database(path)
  expect([database.starting(), database.managed()]).toEqual([['begun'], []])
  database.manage('m', 'name', 'definition')
  database.close()
  const next = new Database(path)
  expect([next.starting(), next.managed()]).toEqual([['begun'], ['definition']])
  next.close()
})

test('a file of a later xend is left alone, with the way out', () => {
  written('PRAGMA user_version = 3')
  expect(() => new Database(path)).toThrow(
    `${path} is of version 3, and this xend knows version 2; start the xend that wrote it, or move the file away`,
  )
})

test('a file that is no database is told of', async () => {
  await writeFile(path, 'no database at all, but text that is long enough to be looked at as one. '.repeat(20))
  expect(() => new Database(path)).toThrow(
    `${path} cannot be used: file is not a database; move it away, and xend begins a new one without managed domains`,
  )
})

test('what cannot be written is told of, and not taken for written', () => {
  const database = new Database(path)
  const other = new DatabaseSync(path)
  other.exec('BEGIN EXCLUSIVE')
  expect(() => database.manage('m', 'name', 'definition')).toThrow(
    `${path} cannot be written: database is locked; once it can, try again`,
  )
  other.exec('ROLLBACK')
  other.close()
  expect(database.managed()).toEqual([])
  database.manage('m', 'name', 'definition')
  expect(database.managed()).toEqual(['definition'])
  database.close()
})
