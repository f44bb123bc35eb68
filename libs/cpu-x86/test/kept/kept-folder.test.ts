import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { filesIn, isUsed, makeRoom, newName, prepareFolder } from '../../src/kept/kept-folder.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'paravane-kept-'))
})
afterEach(() => rmSync(root, { recursive: true }))

test('a folder is made for its user alone', () => {
  const folder = join(root, 'a', 'b')
  prepareFolder(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  prepareFolder(folder)
})

test('one that others may write to is refused, with the way out', () => {
  const folder = join(root, 'a')
  mkdirSync(folder)
  chmodSync(folder, 0o777)
  expect(() => prepareFolder(folder)).toThrow(`others may write to ${folder}; \`chmod go-w\` it`)
})

test('what was not used for longest makes room for the rest, whichever engine it is of', () => {
  const paths = ['one', 'two', 'two'].map((engine, n) => {
    mkdirSync(join(root, engine), { recursive: true })
    const path = join(root, engine, newName(n))
    writeFileSync(path, new Uint8Array(100))
    utimesSync(path, 1000 + n, 1000 + n)
    return path
  })
  const other = join(root, 'other')
  writeFileSync(other, new Uint8Array(1000))
  makeRoom(root, 300)
  expect(paths.map((path) => existsSync(path))).toEqual([true, true, true])
  isUsed(paths[0])
  makeRoom(root, 200)
  expect(paths.map((path) => existsSync(path))).toEqual([true, false, true])
  expect(existsSync(other)).toBe(true)
  expect(filesIn(join(root, 'two'))).toEqual([paths[2]])
})
