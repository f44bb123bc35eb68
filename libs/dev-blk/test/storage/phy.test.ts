import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { storageSuite } from '@paravane/core/conformance'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { HostLocks } from '../../src/storage/host-locks.ts'
import { phyDriver } from '../../src/storage/phy-driver.ts'

const run = promisify(execFile)
let folder: string
let made = 0
/** Why this host cannot make loop devices. */
let lack: string | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phy-'))
  const image = join(folder, 'probe')
  await writeFile(image, Buffer.alloc(4096))
  try {
    const { stdout } = await run('losetup', ['--find', '--show', image])
    await run('losetup', ['--detach', stdout.trim()])
  } catch (error) {
    lack = String(error).split('\n')[0]
  }
})
afterAll(() => rm(folder, { recursive: true }))

describe('phy:, a block device of the host', () => {
  const driver = phyDriver({ locks: new HostLocks() })
  const subject = {
    make: async (size: number) => {
      const image = join(folder, `image-${++made}`)
      const alias = `${image}-link`
      await writeFile(image, '')
      await truncate(image, size)
      const { stdout } = await run('losetup', ['--find', '--show', image])
      const target = stdout.trim()
      await symlink(target, alias)
      const remove = async (): Promise<void> => {
        await run('losetup', ['--detach', target])
        await rm(image)
        await rm(alias)
      }
      const grow = async (larger: number): Promise<void> => {
        await truncate(image, larger)
        await run('losetup', ['--set-capacity', target])
      }
      return { driver, target, alias, missing: '/dev/no-such-device', grow, remove }
    },
  }
  for (const { name, run: examine } of storageSuite(subject)) {
    test(name, async ({ skip }) => {
      if (lack !== undefined) skip(`no loop device can be made here: ${lack}`)
      await examine()
    })
  }
})
