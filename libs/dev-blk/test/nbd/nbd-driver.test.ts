import { symlinkSync } from 'node:fs'
import type { Disk } from '@paravane/core'
import { afterEach, expect, test } from 'vitest'
import { NbdClient } from '../../src/storage/nbd/index.ts'
import { NbdDisk } from '../../src/storage/nbd-disk.ts'
import { nbdDriver } from '../../src/storage/nbd-driver.ts'
import { type Manners, NbdServer, simpleReply } from './nbd-server.ts'

const FLUSH = 3
const open: { close(): void | Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function serve(manners: Partial<Manners> = {}): Promise<NbdServer> {
  const server = await new NbdServer(manners).listen()
  open.push(server)
  return server
}

async function disk(server: NbdServer, options: { readonly?: boolean; path?: string } = {}): Promise<Disk> {
  const { readonly = false, path = server.path } = options
  const opened = await nbdDriver('nbd', { greeting: 2000, silence: 500, absence: 300 }).open({
    target: `unix:${path}`,
    readonly,
  })
  open.push(opened)
  return opened
}

test('a flush of the disk is NBD_CMD_FLUSH', async () => {
  const server = await serve()
  const opened = await disk(server)
  await opened.write(0, [new Uint8Array(512).fill(1)])
  expect(server.commands).not.toContain(FLUSH)
  await opened.flush()
  expect(server.commands).toEqual([1, FLUSH])
})

test('where the server has no flush, every write is durable by itself', async () => {
  const server = await serve({ flags: 1 | 8 })
  const opened = await disk(server)
  await opened.write(0, [new Uint8Array(512)])
  await opened.flush()
  expect(server.asked.map(({ type, flags }) => [type, flags])).toEqual([[1, 1]])
})

test('its units are the server’s', async () => {
  const opened = await disk(await serve({ blocks: [4096, 65_536, 1 << 20], size: (1 << 20) + 512 }))
  expect(opened).toMatchObject({ sectorSize: 4096, physicalSectorSize: 4096, size: 1 << 20 })
  expect(opened.discard).toMatchObject({ granularity: 65_536, alignment: 0 })
  const plain = await disk(await serve({ blocks: undefined, flags: 1 | 4 }))
  expect(plain).toMatchObject({ sectorSize: 512, physicalSectorSize: 4096, discard: undefined })
})

test('one export is one disk, by whatever path', async () => {
  const server = await serve()
  const other = `${server.folder}/link`
  symlinkSync(server.path, other)
  const [one, two] = [await disk(server), await disk(server, { path: other })]
  expect(one.identity).toBe(two.identity)
  expect(one.identity).not.toBe((await disk(await serve())).identity)
})

test.each([
  ['that may only be read', { flags: 1 | 2 | 4 }, 'its server lets it be read only: open it with mode r'],
  ['without flush or FUA', { flags: 1 }, 'its server can make no write durable'],
  ['of large blocks', { blocks: [8192, 8192, 1 << 20] as const }, 'its server takes blocks of 8192 bytes only'],
  ['of nothing', { size: 0 }, 'it has 0 bytes, which are no disk'],
  ['of another name', { exportName: 'x' }, 'its NBD server does not serve it: it has no export of this name'],
])('an export %s is refused', async (_, manners, said) => {
  const server = await serve(manners)
  const refused = await disk(server).catch((error: Error) => error)
  expect(refused).toMatchObject({ code: 'DISK_OPEN' })
  expect((refused as Error).message).toContain(`nbd:unix:${server.path}: ${said}`)
})

test('a server that is not there is named', async () => {
  const server = await serve()
  await expect(disk(server, { path: '/nowhere/socket' })).rejects.toThrow(
    'nbd:unix:/nowhere/socket: its NBD server does not serve it: there is no such socket',
  )
})

test('what may only be read is not written, and needs no right to', async () => {
  const opened = await disk(await serve({ flags: 1 | 2 }), { readonly: true })
  await opened.read(0, [new Uint8Array(512)])
  await opened.flush()
  expect(opened.discard).toBeUndefined()
  await expect(opened.write(0, [new Uint8Array(512)])).rejects.toThrow('it was opened read-only')
})

test.each([
  [28, 'DISK_FULL', 'no space left where the server keeps it'],
  [5, 'DISK_IO', 'the server reports an input/output error'],
  [1, 'DISK_READONLY', 'the server does not let it be written'],
  [108, 'DISK_GONE', 'its server answers ESHUTDOWN'],
  [4711, 'DISK_IO', 'its server answers error 4711'],
])('error %i of the server is %s', async (number, code, said) => {
  const opened = await disk(
    await serve({
      answer: ({ cookie }, socket) => {
        socket.write(simpleReply(cookie, number))
        return 'done'
      },
    }),
  )
  const failed = opened.write(0, [new Uint8Array(512)])
  await expect(failed).rejects.toMatchObject({ code })
  await expect(failed).rejects.toThrow(said)
})

test.each([
  [
    'EINVAL where the file has no room',
    22,
    0,
    'DISK_FULL',
    'no space is left on its file system (its server answers EINVAL',
  ],
  ['EIO where it has a little', 5, 65_536, 'DISK_FULL', 'no space is left on its file system (its server answers EIO'],
  ['EINVAL where it has enough', 22, 1 << 30, 'DISK_IO', 'its server answers EINVAL'],
])('%s', async (_, number, room, code, said) => {
  const { path } = await serve({
    answer: ({ cookie }, socket) => {
      socket.write(simpleReply(cookie, number))
      return 'done'
    },
  })
  const client = await NbdClient.connect({ path, exportName: '' })
  const opened = new NbdDisk(client, { name: 'tap:x', identity: 'x', readonly: false, room: async () => room })
  open.push(opened)
  const failed = opened.write(0, [new Uint8Array(512)])
  await expect(failed).rejects.toMatchObject({ code })
  await expect(failed).rejects.toThrow(`tap:x: ${said}`)
})

test('what is beyond its end or no whole sector is the caller’s fault', async () => {
  const opened = await disk(await serve())
  for (const [offset, length] of [
    [(1 << 20) - 512, 1024],
    [-512, 512],
    [100, 512],
    [0, 100],
  ] as const) {
    const failed = opened.read(offset, [new Uint8Array(length)])
    await expect(failed).rejects.toMatchObject({ code: 'DISK_BOUNDS' })
  }
  await expect(opened.read(0, [new Uint8Array(100)])).rejects.toThrow('bytes 0 + 100 are not whole sectors of 512')
  await expect(opened.read(1 << 20, [new Uint8Array(512)])).rejects.toThrow(
    'bytes 1048576 + 512 are beyond its 1048576',
  )
})

test('a dead server fails requests, and they work when it is back', async () => {
  const server = await serve()
  const opened = await disk(server)
  await server.die()
  await expect(opened.read(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'DISK_GONE' })
  await server.listen()
  await expect
    .poll(() =>
      opened.read(0, [new Uint8Array(512)]).then(
        () => 'read',
        () => 'failed',
      ),
    )
    .toBe('read')
  await opened.close()
  await expect(opened.flush()).rejects.toMatchObject({ code: 'DISK_CLOSED' })
})
