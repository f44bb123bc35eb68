import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  XENSTORE_PAYLOAD_MAX,
  XS_DIRECTORY,
  XS_ERROR,
  XS_READ,
  XS_TRANSACTION_START,
  XS_WATCH,
  XS_WATCH_EVENT,
  XS_WRITE,
} from '../../src/abi/io/xs-wire.ts'
import { encodeMessage, MessageReader, OVERSIZED, type XsMessage } from '../../src/xenstore/message.ts'
import { Xenstored } from '../../src/xenstore/xenstored.ts'

let folder: string
let server: Server
let xenstored: Xenstored
const sockets: Socket[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paravane-xs-'))
  xenstored = new Xenstored()
  server = createServer((socket) => xenstored.accept(socket))
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

/** Speaks the protocol, message by message. */
class Client {
  readonly socket: Socket
  readonly #reader = new MessageReader()
  readonly #got: XsMessage[] = []
  #closed = false
  #heard = (): void => {}
  #requests = 0

  constructor() {
    this.socket = connect(join(folder, 's'))
    sockets.push(this.socket)
    this.socket.on('data', (bytes) => this.#take(bytes))
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.#closed = true
      this.#heard()
    })
  }

  #take(bytes: Uint8Array): void {
    for (const message of this.#reader.messages(bytes)) if (message !== OVERSIZED) this.#got.push(message)
    this.#heard()
  }

  /** Undefined: the connection was closed. */
  async next(): Promise<XsMessage | undefined> {
    while (this.#got.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
    return this.#got.shift()
  }

  send(type: number, text: string, txId: number = 0): void {
    const payload = Buffer.from(text, 'latin1')
    this.socket.write(encodeMessage({ type, reqId: ++this.#requests, txId, payload }))
  }

  /** The answer as text, or the name of the error. */
  async ask(type: number, text: string, txId: number = 0): Promise<string> {
    this.send(type, text, txId)
    const reply = await this.next()
    if (reply === undefined) return 'closed'
    expect(reply.reqId).toBe(this.#requests)
    const answer = Buffer.from(reply.payload).toString('latin1')
    return reply.type === XS_ERROR ? `error ${answer.replace('\0', '')}` : answer
  }
}

test('a program of the host reads and writes as domain 0', async () => {
  const client = new Client()
  expect(await client.ask(XS_WRITE, '/a/b\0value')).toBe('OK\0')
  expect(await client.ask(XS_READ, '/a/b\0')).toBe('value')
  expect(xenstored.client().read('/a/b')).toBe('value')
  expect(await client.ask(XS_DIRECTORY, '/a\0')).toBe('b\0')
  expect(await client.ask(XS_READ, '/none\0')).toBe('error ENOENT')
  expect(await client.ask(XS_READ, 'no path\0')).toBe('error EINVAL')
  expect(await client.ask(77, '')).toBe('error ENOSYS')
})

test('a message may come in pieces, and several at once', async () => {
  const client = new Client()
  const bytes = encodeMessage({ type: XS_WRITE, reqId: 1, txId: 0, payload: Buffer.from('/p\0xyz') })
  for (const byte of bytes) {
    client.socket.write(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(Buffer.from((await client.next())?.payload ?? []).toString()).toBe('OK\0')
  for (let n = 0; n < 100; n++) client.send(XS_READ, '/p\0')
  for (let n = 0; n < 100; n++) expect(Buffer.from((await client.next())?.payload ?? []).toString()).toBe('xyz')
})

test('a watch fires for what others change, and ends with its connection, as do transactions', async () => {
  const client = new Client()
  client.send(XS_WATCH, '/w\0token\0')
  const types = [(await client.next())?.type, (await client.next())?.type]
  expect(types.toSorted()).toEqual([XS_WATCH, XS_WATCH_EVENT].toSorted())
  xenstored.client().write('/w/x', '1')
  expect(Buffer.from((await client.next())?.payload ?? []).toString()).toBe('/w/x\0token\0')
  const tx = Number.parseInt(await client.ask(XS_TRANSACTION_START, '\0'), 10)
  expect(await client.ask(XS_WRITE, '/in/tx\0y', tx)).toBe('OK\0')
  client.socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(xenstored.client().exists('/in')).toBe(false)
})

test('a message longer than the protocol allows ends the connection, and no other', async () => {
  const [bad, good] = [new Client(), new Client()]
  const header = encodeMessage({ type: XS_READ, reqId: 1, txId: 0, payload: new Uint8Array(0) })
  new DataView(header.buffer).setUint32(12, XENSTORE_PAYLOAD_MAX + 1, true)
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
