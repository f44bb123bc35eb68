import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { NbdClient, NbdConnection, type NbdPatience } from '../../src/storage/nbd/index.ts'
import { type Asked, chunk, type Manners, NbdServer, place, simpleReply, word } from './nbd-server.ts'

const QUICK: NbdPatience = { greeting: 2000, silence: 400, absence: 600 }
const READ = 0
const FLUSH = 3

const open: { close(): void | Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function served(
  manners: Partial<Manners> = {},
  patience: NbdPatience = QUICK,
): Promise<{ server: NbdServer; client: NbdClient }> {
  const server = await new NbdServer(manners).listen()
  open.push(server)
  const client = await NbdClient.connect({ path: server.path, exportName: manners.exportName ?? '' }, patience)
  open.push(client)
  return { server, client }
}

const pattern = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, n) => (n * 7 + seed) & 0xff)

describe.each([true, false])('with structured replies: %s', (structured) => {
  test('what is written is read, in whatever buffers', async () => {
    const { client } = await served({ structured })
    const data = pattern(100_000)
    await client.write(512, [data.subarray(0, 10), data.subarray(10, 70_000), data.subarray(70_000)])
    const shared = new Uint8Array(new SharedArrayBuffer(100_000))
    await client.read(512, [shared.subarray(0, 40_000), shared.subarray(40_000, 40_001), shared.subarray(40_001)])
    expect(Buffer.compare(Buffer.from(shared), data)).toBe(0)
  })

  test('many requests are under way at once, and may be answered in any order', async () => {
    const held: Asked[] = []
    const { server, client } = await served({
      structured,
      answer: (asked, socket, from) => {
        if (asked.type !== READ) return 'as usual'
        held.push(asked)
        if (held.length === 50) for (const one of held.reverse()) socket.write(from.usual(one))
        return 'done'
      },
    })
    server.bytes.set(pattern(1 << 20))
    const buffers = Array.from({ length: 50 }, () => new Uint8Array(4096))
    await Promise.all(buffers.map((into, n) => client.read(n * 8192, [into])))
    for (const [n, into] of buffers.entries()) {
      expect(Buffer.compare(into, server.bytes.subarray(n * 8192, n * 8192 + 4096)), `read ${n}`).toBe(0)
    }
  })
})

test('what is larger than the server takes goes in parts', async () => {
  const { server, client } = await served({ blocks: [512, 4096, 65_536] })
  const data = pattern(200_000 - (200_000 % 512))
  await client.write(0, [data])
  const into = new Uint8Array(data.length)
  await client.read(0, [into.subarray(0, 1000), into.subarray(1000)])
  expect(Buffer.compare(into, data)).toBe(0)
  expect(Math.max(...server.asked.map(({ length }) => length))).toBe(65_536)
})

test('flush, trim and zeroes are what the server is asked for', async () => {
  const { server, client } = await served()
  await client.flush()
  await client.write(0, [pattern(512)], true)
  await client.trim(4096, 8192)
  await client.writeZeroes(0, 4096, true)
  expect(server.asked.map(({ type, flags, offset, length }) => [type, flags, offset, length])).toEqual([
    [FLUSH, 0, 0, 0],
    [1, 1, 0, 512],
    [4, 0, 4096, 8192],
    [6, 2, 0, 4096],
  ])
})

test('an error of the server is the request’s, and the connection stays', async () => {
  const said = Buffer.from('no space\nleft')
  const { server, client } = await served({
    answer: ({ type, cookie, offset }, socket) => {
      if (type === 1) socket.write(simpleReply(cookie, 28))
      else if (offset === 0) socket.write(chunk(cookie, 1, 0x8001, [word(5), Buffer.from([0, said.length]), said]))
      else return 'as usual'
      return 'done'
    },
  })
  await expect(client.write(0, [pattern(512)])).rejects.toMatchObject({ error: 'ENOSPC' })
  await expect(client.read(0, [pattern(512)])).rejects.toThrow('EIO (no space left)')
  await client.read(512, [new Uint8Array(512)])
  expect(server.connections).toBe(1)
})

test('holes and chunks in any order make one read', async () => {
  const { client } = await served({
    answer: ({ cookie, offset }, socket) => {
      socket.write(chunk(cookie, 0, 1, [place(offset + 8192), Buffer.alloc(4096, 3)]))
      socket.write(chunk(cookie, 0, 2, [place(offset + 4096), word(4096)]))
      socket.write(chunk(cookie, 0, 1, [place(offset), Buffer.alloc(4096, 1)]))
      socket.write(chunk(cookie, 1, 0))
      return 'done'
    },
  })
  const into = new Uint8Array(12_288).fill(9)
  await client.read(4096, [into])
  expect([into[0], into[4095], into[4096], into[8191], into[8192], into[12_287]]).toEqual([1, 1, 0, 0, 3, 3])
})

describe('when the connection breaks', () => {
  test('what was under way is sent again, and nobody notices', async () => {
    let isFirst = true
    const { server, client } = await served({
      answer: (_, socket) => {
        if (!isFirst) return 'as usual'
        isFirst = false
        socket.destroy()
        return 'done'
      },
    })
    server.bytes.fill(7)
    const into = new Uint8Array(4096)
    await client.read(0, [into])
    expect([into[0], server.connections]).toEqual([7, 2])
  })

  test('requests fail within the patience while the server is dead, then at once, and work when it is back', async () => {
    const { server, client } = await served()
    await server.die()
    const began = performance.now()
    await expect(client.read(0, [new Uint8Array(512)])).rejects.toThrow('there is no such socket')
    const first = performance.now() - began
    expect(first).toBeGreaterThan(QUICK.absence - 50)
    expect(first).toBeLessThan(QUICK.absence + 1500)
    const again = performance.now()
    await expect(client.read(0, [new Uint8Array(512)])).rejects.toThrow('there is no such socket')
    expect(performance.now() - again).toBeLessThan(100)
    await server.listen()
    await expect.poll(() => server.connections, { timeout: 5000 }).toBe(2)
    await client.read(0, [new Uint8Array(512)])
  })

  test('a server that says nothing any more is taken for dead', async () => {
    let deaf = false
    const silence = 2000
    const { server, client } = await served({ answer: () => (deaf ? 'done' : 'as usual') }, { ...QUICK, silence })
    await client.read(0, [new Uint8Array(512)])
    deaf = true
    await delay(silence / 2)
    const began = performance.now()
    const read = client.read(0, [new Uint8Array(512)])
    await expect.poll(() => server.connections, { timeout: 5000 }).toBe(2)
    expect(performance.now() - began).toBeLessThan(silence + 700)
    deaf = false
    server.drop()
    await read
  })

  test('one connection says how long it has waited', async () => {
    const server = await new NbdServer({ answer: () => 'done' }).listen()
    open.push(server)
    const connection = await NbdConnection.open({ path: server.path, exportName: '' }, QUICK)
    await expect(connection.request(FLUSH, 0, 0, 0)).rejects.toThrow('it has not answered for 0.4 s')
  })

  test('a request that ends every connection fails in the end', async () => {
    const { client } = await served({
      answer: (_, socket) => {
        socket.destroy()
        return 'done'
      },
    })
    await expect(client.read(0, [new Uint8Array(512)])).rejects.toThrow('it closed the connection')
  })

  test('what was answered and not flushed is written again, in its order, and nobody notices', async () => {
    const { server, client } = await served()
    await client.write(0, [pattern(8192, 1)])
    await client.flush()
    const durable = Buffer.from(server.bytes)
    await client.write(512, [pattern(1024, 2).subarray(0, 100), pattern(1024, 2).subarray(100)])
    await client.write(1024, [pattern(512, 3)], true)
    await client.writeZeroes(4096, 1024)
    const expected = Buffer.from(server.bytes)
    expect(Buffer.compare(durable, expected)).not.toBe(0)
    // It dies, and with it what was not durable.
    server.bytes = durable
    server.drop()
    await client.flush()
    expect(Buffer.compare(server.bytes, expected)).toBe(0)
    expect(server.connections).toBe(2)
  })

  test('what was flushed is not written again', async () => {
    const { server, client } = await served()
    await client.write(0, [pattern(512)])
    await client.flush()
    server.asked.length = 0
    server.drop()
    await client.flush()
    expect(server.commands).toEqual([FLUSH])
  })

  test('writes that came to grief when they were done again are tried until they are done', async () => {
    let full = false
    const { server, client } = await served({
      answer: ({ type, cookie }, socket) => {
        if (type !== 1 || !full) return 'as usual'
        socket.write(simpleReply(cookie, 28))
        return 'done'
      },
    })
    await client.write(0, [pattern(512)])
    full = true
    server.drop()
    await expect(client.read(0, [new Uint8Array(512)])).rejects.toThrow('ENOSPC')
    full = false
    await expect
      .poll(
        () =>
          client.flush().then(
            () => 'flushed',
            () => 'failed',
          ),
        { timeout: 5000 },
      )
      .toBe('flushed')
  })

  const FEW = { ...QUICK, kept: 1000 }
  const lost = 'the server went away and came back, and writes since the last flush may be lost'

  test('of more than is kept, a flush tells once that it may be lost', async () => {
    const { server, client } = await served({}, FEW)
    await client.write(0, [pattern(512)])
    await client.write(512, [pattern(512)])
    server.drop()
    await expect.poll(() => server.connections, { timeout: 5000 }).toBe(2)
    await client.read(0, [new Uint8Array(512)])
    await expect(client.flush()).rejects.toThrow(lost)
    await client.flush()
    server.drop()
    await client.flush()
  })

  test('it tells those flushes, too, that were under way', async () => {
    let holds = true
    const { server, client } = await served(
      { answer: ({ type }) => (type === FLUSH && holds ? 'done' : 'as usual') },
      FEW,
    )
    await client.write(0, [pattern(1024)])
    const flushes = Promise.allSettled([client.flush(), client.flush()])
    await expect.poll(() => server.asked.length).toBe(3)
    holds = false
    server.drop()
    expect((await flushes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await client.flush()
  })

  test('an export that came back smaller is another one', async () => {
    const { server, client } = await served()
    server.manners.size = 4096
    server.drop()
    await expect(client.read(0, [new Uint8Array(512)])).rejects.toThrow('it came back as another export')
  })

  test('one that came back larger is told of', async () => {
    const { server, client } = await served()
    let told = 0
    client.onResize(() => told++)
    server.manners.size = 2 << 20
    server.bytes = Buffer.alloc(2 << 20)
    server.drop()
    await client.read(0, [new Uint8Array(512)])
    expect([told, client.about.size]).toEqual([1, 2 << 20])
  })

  test('closing ends what is under way', async () => {
    const { client } = await served({ answer: () => 'done' }, { greeting: 1000, absence: 60_000 })
    const read = client.read(0, [new Uint8Array(512)])
    await delay(20)
    client.close()
    await expect(read).rejects.toThrow('it was closed')
    await expect(client.flush()).rejects.toThrow('it was closed')
  })
})
