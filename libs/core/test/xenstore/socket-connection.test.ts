import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  XENSTORE_PAYLOAD_MAX,
  XS_CONTROL,
  XS_DIRECTORY,
  XS_ERROR,
  XS_INTRODUCE,
  XS_READ,
  XS_TRANSACTION_START,
  XS_WATCH,
  XS_WATCH_EVENT,
  XS_WRITE,
} from '../../src/abi/io/xs-wire.ts'
import { encodeMessage, type XsMessage } from '../../src/xenstore/message.ts'
import { OwnPlace } from './place.ts'
import type { SocketStream } from './socket-stream.ts'

let place: OwnPlace
beforeEach(async () => {
  place = await OwnPlace.open()
})
afterEach(() => place.close())

/** Speaks the protocol, message by message. */
class Client {
  readonly stream: SocketStream = place.stream()
  readonly #got: XsMessage[] = []
  #requests = 0

  get socket(): Socket {
    return this.stream.socket
  }

  /** Undefined: the connection was closed. */
  async next(): Promise<XsMessage | undefined> {
    if (this.#got.length === 0) this.#got.push(...((await this.stream.receive()) ?? []))
    return this.#got.shift()
  }

  send(type: number, text: string, txId: number = 0): void {
    this.stream.send(encodeMessage({ type, reqId: ++this.#requests, txId, payload: text }))
  }

  /** The answer as text, or the name of the error. */
  async ask(type: number, text: string, txId: number = 0): Promise<string> {
    this.send(type, text, txId)
    const reply = await this.next()
    if (reply === undefined) return 'closed'
    expect(reply.reqId).toBe(this.#requests)
    return reply.type === XS_ERROR ? `error ${reply.payload.replace('\0', '')}` : reply.payload
  }
}

test('a program of the host reads and writes as domain 0', async () => {
  const client = new Client()
  expect(await client.ask(XS_WRITE, '/a/b\0value')).toBe('OK\0')
  expect(await client.ask(XS_READ, '/a/b\0')).toBe('value')
  expect(place.xenstored.client().read('/a/b')).toBe('value')
  expect(await client.ask(XS_DIRECTORY, '/a\0')).toBe('b\0')
  expect(await client.ask(XS_READ, '/none\0')).toBe('error ENOENT')
  expect(await client.ask(XS_READ, 'no path\0')).toBe('error EINVAL')
  expect(await client.ask(77, '')).toBe('error ENOSYS')
})

test('a message may come in pieces, and several at once', async () => {
  const client = new Client()
  const bytes = encodeMessage({ type: XS_WRITE, reqId: 1, txId: 0, payload: '/p\0xyz' })
  for (const byte of bytes) {
    client.socket.write(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await client.next())?.payload).toBe('OK\0')
  for (let n = 0; n < 100; n++) client.send(XS_READ, '/p\0')
  for (let n = 0; n < 100; n++) expect((await client.next())?.payload).toBe('xyz')
})

test('a watch fires for what others change, and ends with its connection, as do transactions', async () => {
  const client = new Client()
  client.send(XS_WATCH, '/w\0token\0')
  const types = [(await client.next())?.type, (await client.next())?.type]
  expect(types.toSorted()).toEqual([XS_WATCH, XS_WATCH_EVENT].toSorted())
  place.xenstored.client().write('/w/x', '1')
  expect((await client.next())?.payload).toBe('/w/x\0token\0')
  const tx = Number.parseInt(await client.ask(XS_TRANSACTION_START, '\0'), 10)
  expect(await client.ask(XS_WRITE, '/in/tx\0y', tx)).toBe('OK\0')
  client.socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(place.xenstored.client().exists('/in')).toBe(false)
})

test('a message longer than the protocol allows ends the connection, and no other', async () => {
  const [bad, good] = [new Client(), new Client()]
  const header = encodeMessage({ type: XS_READ, reqId: 1, txId: 0, payload: '' })
  header.writeUInt32LE(XENSTORE_PAYLOAD_MAX + 1, 12)
  bad.socket.write(header)
  expect(await bad.next()).toBeUndefined()
  expect(await good.ask(XS_WRITE, '/still\0there')).toBe('OK\0')
})

test('a client that does not read its answers holds up nobody but itself', async () => {
  const [slow, quick] = [new Client(), new Client()]
  expect(await quick.ask(XS_WRITE, `/big\0${'v'.repeat(4000)}`)).toBe('OK\0')
  slow.socket.pause()
  const before = process.memoryUsage().rss
  let unsent = 0
  for (let n = 0; n < 20_000; n++) {
    slow.send(XS_READ, '/big\0')
    unsent = slow.socket.writableLength
  }
  for (let n = 0; n < 200; n++) expect(await quick.ask(XS_READ, '/big\0')).toHaveLength(4000)
  // 80 MB of answers are not made: its requests wait where they are.
  expect(process.memoryUsage().rss - before).toBeLessThan(60 << 20)
  expect(unsent).toBeGreaterThan(0)
})

test('a bug of ours that a request hits costs the request, and no more', async () => {
  await place.close()
  const failures: unknown[] = []
  const openRing = (): never => {
    throw new Error('no such page')
  }
  place = await OwnPlace.open({ openRing, failed: (error) => failures.push(error) })
  const client = new Client()
  expect(await client.ask(XS_INTRODUCE, '9\x001\x001\0')).toBe('error EIO')
  expect(await client.ask(XS_WRITE, '/still\0there')).toBe('OK\0')
  expect(failures).toEqual([new Error('no such page')])
})

test('what is printed, and requests while they are logged, go to the log', async () => {
  await place.close()
  const lines: string[] = []
  place = await OwnPlace.open({ log: (line) => lines.push(line) })
  const client = new Client()
  await client.ask(XS_WRITE, '/a\0unheard')
  await client.ask(XS_CONTROL, 'print\0hello\nthere\0')
  await client.ask(XS_CONTROL, 'log\0on\0')
  await client.ask(XS_WRITE, '/a\0heard')
  await client.ask(XS_READ, '/none\0')
  await client.ask(XS_CONTROL, 'log\0off\0')
  await client.ask(XS_READ, '/a\0')
  expect(lines).toEqual([
    'control: hello?there',
    'd0 0 log|on| -> OK|',
    'd0 11 /a|heard -> OK|',
    'd0 2 /none| -> ENOENT',
  ])
})
