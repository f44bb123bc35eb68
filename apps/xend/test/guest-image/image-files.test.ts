import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { placeFolder } from '../../src/guest-image/image-files.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'image-files-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function makeFolder(name: string, text: string): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder)
  await writeFile(join(folder, 'file'), text)
  return folder
}

test('a folder made by two processes at once is the first one, whole', async () => {
  const wanted = join(root, 'wanted')
  await placeFolder(await makeFolder('one', 'first'), wanted)
  await placeFolder(await makeFolder('two', 'second'), wanted)
  expect(await readFile(join(wanted, 'file'), 'utf8')).toBe('first')
})

test('another reason why it cannot be there is told', async () => {
  const made = await makeFolder('made', '')
  await writeFile(join(root, 'taken'), 'a file')
  await expect(placeFolder(made, join(root, 'taken'))).rejects.toThrow('ENOTDIR')
})
