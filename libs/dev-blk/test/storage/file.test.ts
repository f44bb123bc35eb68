import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storageSuite } from '@paravane/core/conformance'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { fileDriver } from '../../src/storage/file-driver.ts'
import { HostLocks } from '../../src/storage/host-locks.ts'
import { IoThread } from '../../src/storage/io-thread.ts'

let folder: string
let made = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-'))
})
afterAll(() => rm(folder, { recursive: true }))

const io = new IoThread()
afterAll(() => io.stop())

describe.each([
  ["by Node's threads", undefined],
  ['by a thread of its own', io],
])('file:, a raw image, %s', (_, way) => {
  const subject = {
    make: async (size: number) => {
      const target = join(folder, `image-${++made}`)
      const alias = `${target}-link`
      await writeFile(target, '')
      await truncate(target, size)
      await symlink(target, alias)
      const remove = async (): Promise<void> => {
        await rm(target)
        await rm(alias)
      }
      const grow = (larger: number): Promise<void> => truncate(target, larger)
      return {
        driver: fileDriver({ locks: new HostLocks(), ...(way === undefined ? {} : { io: way }) }),
        target,
        alias,
        missing: `${target}-missing`,
        grow,
        remove,
      }
    },
  }
  for (const { name, run } of storageSuite(subject)) test(name, run)
})
