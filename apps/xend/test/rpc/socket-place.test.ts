import { chmod, mkdtemp, rm, stat, symlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findGroup } from '../../src/host-group.ts'
import { takeSocket } from '../../src/rpc/socket-place.ts'
import { openRunFolder, takeRunFolder } from '../../src/run-folder.ts'

let folder: string
let servers: Server[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-place-'))
  servers = []
})
afterEach(async () => {
  for (const server of servers) server.close()
  await rm(folder, { recursive: true })
})

/** Mode and group. */
const rights = async (path: string): Promise<[string, number]> => {
  const { mode, gid } = await stat(path)
  return [(mode & 0o7777).toString(8), gid]
}
const taken = async (name: string, group?: { name: string; gid: number }): Promise<string> => {
  const path = join(folder, name)
  const server = createServer()
  servers.push(server)
  await takeSocket(server, { path, ...(group === undefined ? {} : { group }) })
  return path
}
/** A group that whoever runs this may give a file to. */
const own = { name: 'own', gid: (process.getgroups?.() ?? []).find((gid) => gid !== 0) ?? process.getgid?.() ?? 0 }

test("a socket is its owner's, unless a group is named", async () => {
  expect((await rights(await taken('a.sock')))[0]).toBe('600')
  expect(await rights(await taken('b.sock', own))).toEqual(['660', own.gid])
})

test('the folder is open for those only who may use what is in it', async () => {
  await takeRunFolder(folder)
  await openRunFolder(folder, { group: own })
  expect(await rights(folder)).toEqual(['750', own.gid])
  await openRunFolder(folder, { group: own, readers: own })
  expect(await rights(folder)).toEqual(['750', own.gid])
  await openRunFolder(folder, { readers: own })
  expect((await rights(folder))[0]).toBe('711')
  await openRunFolder(folder, { group: own, readers: { name: 'other', gid: own.gid + 1 } })
  expect((await rights(folder))[0]).toBe('711')
  await openRunFolder(folder, {})
  expect((await rights(folder))[0]).toBe('700')
})

test('a port that is taken is named', async () => {
  const first = createServer()
  servers.push(first)
  await takeSocket(first, { port: 0 })
  const { port } = first.address() as { port: number }
  await expect(takeSocket(createServer(), { port })).rejects.toMatchObject({
    code: 'SOCKET_IN_USE',
    message: `127.0.0.1:${port}: it cannot be listened at (EADDRINUSE); name another port`,
  })
})

test('a folder that somebody else may have prepared is refused', async () => {
  await chmod(folder, 0o777)
  await expect(takeRunFolder(folder)).rejects.toMatchObject({
    code: 'RUN_FOLDER',
    message: `${folder}: others may write to it; remove it, or set PARAVANE_RUN to another folder`,
  })
  await chmod(folder, 0o700)
  const link = join(folder, 'link')
  await symlink(folder, link)
  await expect(takeRunFolder(link)).rejects.toThrow(`${link}: it is no folder`)
  const foreign = process.getuid?.() === 0 ? '/proc/self' : '/root'
  await expect(takeRunFolder(foreign)).rejects.toMatchObject({ code: 'RUN_FOLDER' })
})

test("a group is found by the host's databases, or said not to be there", async () => {
  expect(await findGroup('root')).toEqual({ name: 'root', gid: 0 })
  await expect(findGroup('no-such-group')).rejects.toMatchObject({
    code: 'GROUP',
    message: 'group no-such-group: this host has no such group; name another',
  })
})
