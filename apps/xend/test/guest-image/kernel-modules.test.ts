import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { moduleDepends, readModules } from '../../src/guest-image/kernel-modules.ts'

const modinfo = (depends: string): Buffer => Buffer.from(`\x7fELF code\0license=GPL\0depends=${depends}\0name=x\0`)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-modules-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function put(path: string, data: Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), data)
}

test.each([
  ['', []],
  ['libcrc32c', ['libcrc32c']],
  ['jbd2,mbcache,crc16', ['jbd2', 'mbcache', 'crc16']],
])('depends=%s', (depends, expected) => {
  expect(moduleDepends(modinfo(depends))).toEqual(expected)
})

test('a module without the string depends on nothing', () => {
  expect(moduleDepends(Buffer.from('\x7fELF'))).toEqual([])
})

test('a module comes after all it depends on, once, under its plain name', async () => {
  await put('kernel/fs/ext4/ext4.ko', modinfo('jbd2,crc16'))
  await put('kernel/fs/jbd2/jbd2.ko.zst', zstdCompressSync(modinfo('crc16')))
  await put('kernel/lib/crc16.ko', modinfo(''))
  await put('kernel/drivers/xen-blkfront.ko', modinfo(''))
  await put('modules.order', Buffer.from(''))
  const modules = await readModules(folder, ['xen_blkfront', 'ext4', 'jbd2'])
  expect(modules.map(({ file }) => file)).toEqual(['xen-blkfront.ko', 'crc16.ko', 'jbd2.ko', 'ext4.ko'])
  expect(Buffer.from(modules[2].data)).toEqual(modinfo('crc16'))
})

test('a module that is nowhere is named', async () => {
  await put('kernel/a.ko', modinfo('b'))
  await expect(readModules(folder, ['a'])).rejects.toMatchObject({
    code: 'MODULE_MISSING',
    details: { name: 'b' },
    message: `${folder} has no module b; choose a kernel whose package contains it`,
  })
})

test('a packed module that xz cannot unpack is named, with the program', async () => {
  await put('kernel/a.ko.xz', Buffer.from('no xz at all'))
  await expect(readModules(folder, ['a'])).rejects.toMatchObject({
    code: 'XZ_FAILED',
    message: `cannot decompress ${folder}/kernel/a.ko.xz; is it whole, and the program xz there (Debian package xz-utils)?`,
  })
})
