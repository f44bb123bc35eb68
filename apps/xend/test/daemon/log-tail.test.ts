import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { logTail } from '../../src/daemon/log-tail.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-tail-'))
})
afterEach(() => rm(folder, { recursive: true }))

test.each([
  ['one\ntwo\n', undefined, 100, 'one\ntwo\n'],
  ['one\ntwo\n', undefined, 8, 'one\ntwo\n'],
  ['one\ntwo\n', undefined, 7, 'two\n'],
  ['one\ntwo\n', undefined, 4, 'two\n'],
  ['one\ntwo\n', undefined, 3, ''],
  ['', undefined, 10, ''],
  ['three\n', 'one\ntwo\n', 100, 'one\ntwo\nthree\n'],
  ['three\n', 'one\ntwo\n', 11, 'two\nthree\n'],
  ['three\n', 'one\ntwo\n', 6, 'three\n'],
  ['', 'one\ntwo\n', 5, 'two\n'],
])('of %j, after %j, the last %i bytes are %j', async (text, before, bytes, tail) => {
  const path = join(folder, 'x.log')
  await writeFile(path, text)
  if (before !== undefined) await writeFile(`${path}.1`, before)
  expect(await logTail(path, bytes)).toBe(tail)
})
