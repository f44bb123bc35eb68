import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileDriver } from '../../src/storage/file-driver.ts'
import { HostLocks } from '../../src/storage/host-locks.ts'
import { phyDriver } from '../../src/storage/phy-driver.ts'

const [file, phy] = [fileDriver({ locks: new HostLocks() }), phyDriver({ locks: new HostLocks() })]
let folder: string
let image: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'refusals-'))
  image = join(folder, 'image')
  await writeFile(image, Buffer.alloc(4096))
})
afterEach(() => rm(folder, { recursive: true }))

const open = (driver: typeof file, target: string): Promise<unknown> => driver.open({ target, readonly: false })

describe('a path that is no such storage is refused with the way out', () => {
  it('which is not whole', () =>
    expect(open(file, 'image')).rejects.toThrow('file:image: give its whole path, from / on'))
  it('which is a folder', () => expect(open(file, folder)).rejects.toThrow(`file:${folder}: it is no regular file`))
  it('which is a file, and not a device', () =>
    expect(open(phy, image)).rejects.toThrow(`phy:${image}: it is a regular file: say file: instead of phy:`))
  it('which is a device of another kind', () =>
    expect(open(phy, 'null')).rejects.toThrow('phy:/dev/null: it is no block device'))
  it('which is a device, and not a file', async ({ skip }) => {
    const names = await readdir('/dev')
    const kinds = await Promise.all(
      names.map((name) =>
        stat(`/dev/${name}`).then(
          (it) => it.isBlockDevice(),
          () => false,
        ),
      ),
    )
    const name = names[kinds.indexOf(true)]
    if (name === undefined) skip('this host has no block device')
    await expect(open(file, `/dev/${name}`)).rejects.toThrow(
      `/dev/${name}: it is a block device: say phy: instead of file:`,
    )
  })
})

it('a file that another process has is refused by its number, and given when that has gone', async () => {
  const { dev, ino } = await stat(image, { bigint: true })
  const other: ChildProcess = fork(new URL('./lock-holder.ts', import.meta.url), [`inode ${dev}:${ino}`, 'true'], {
    execArgv: ['--conditions=@paravane/source'],
  })
  await once(other, 'message')
  const refusal = `file:${image}: process ${other.pid}, another hypervisor of this host, has it: end its use there, or say w! if both`
  await expect(open(file, image)).rejects.toThrow(refusal)
  await (await file.open({ target: image, readonly: false, shared: true })).close()
  other.kill('SIGKILL')
  await once(other, 'exit')
  await (await file.open({ target: image, readonly: false })).close()
})
