import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError, configOf, noConfig, text } from '@paravane/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Service, startService } from '../../src/rpc/http-service.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { type AnyVerb, question, questionsOf, verb } from '../../src/rpc/verbs.ts'
import { type ClientKind, clientKinds } from './bad-clients.ts'

let folder: string
let service: Service
let client: RpcClient
let bugs: unknown[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-rpc-'))
  bugs = []
  const path = join(folder, 's.sock')
  service = await startService({
    place: { path },
    verbs: new Map<string, AnyVerb>([
      ['echo', verb(configOf({ word: text() }), ({ word }) => word)],
      ['nothing', verb(noConfig, () => undefined)],
      ['refuse', verb(noConfig, () => Promise.reject(new CodedError({ code: 'NO', why: 'so' }, 'it cannot be')))],
      ['bug', verb(noConfig, () => (undefined as unknown as { x: number }).x)],
    ]),
    failed: (error) => bugs.push(error),
  })
  client = new RpcClient({ name: 'the service', path })
})
afterEach(async () => {
  await service.close()
  await rm(folder, { recursive: true })
})

/** What a client of bytes gets back until the connection is closed, or for a while. */
function raw(bytes: string, patience: number = 15_000, path: string = service.path): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = connect(path, () => socket.write(bytes))
    socket.on('data', (more) => {
      got += more.toString()
    })
    socket.on('close', () => resolve(got))
    socket.on('error', () => {})
    setTimeout(() => socket.destroy(), patience).unref()
  })
}
const post = (body: string): string =>
  `POST /rpc HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const answered = async (body: string): Promise<unknown> =>
  JSON.parse((await raw(post(body))).split('\r\n\r\n')[1] as string)

test('a call is answered, refused, or told to be a bug of ours', async () => {
  expect(await client.call('echo', { word: 'hallo' })).toBe('hallo')
  expect(await client.call('nothing')).toBeNull()
  await expect(client.call('refuse')).rejects.toMatchObject({
    message: 'it cannot be',
    details: { code: 'NO', why: 'so' },
  })
  expect(bugs).toEqual([])
  await expect(client.call('bug')).rejects.toMatchObject({ code: 'BUG' })
  expect(bugs).toHaveLength(1)
})

test.each([
  ['', -32700, 'the request is not JSON'],
  ['{"jsonrpc":"2.0"', -32700, 'the request is not JSON'],
  ['[]', -32600, 'a request is one object; batches are not served'],
  ['7', -32600, 'a request is one object; batches are not served'],
  ['{"id":1,"method":"echo"}', -32600, 'a request says "jsonrpc": "2.0"'],
  ['{"jsonrpc":"2.0","id":1,"method":7}', -32600, 'a request names its method'],
  ['{"jsonrpc":"2.0","id":1,"method":"frob"}', -32601, 'there is no method frob'],
  ['{"jsonrpc":"2.0","id":1,"method":"toString"}', -32601, 'there is no method toString'],
  ['{"jsonrpc":"2.0","id":1,"method":"echo"}', -32602, 'echo: "word" must be a string'],
  ['{"jsonrpc":"2.0","id":1,"method":"echo","params":[]}', -32602, 'echo: it must be an object'],
  ['{"jsonrpc":"2.0","id":1,"method":"nothing","params":{"a":1}}', -32602, 'nothing: "a" is unknown; known keys: none'],
])('%s is answered by an error', async (body, code, message) => {
  expect(await answered(body)).toMatchObject({ jsonrpc: '2.0', error: { code, message } })
})

test('what is no HTTP, too long or for nobody is told so, and the connection closed', async () => {
  const told = async (bytes: string): Promise<unknown[]> => {
    const [head, body] = (await raw(bytes)).split('\r\n\r\n') as [string, string]
    return [Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3)), JSON.parse(body).error]
  }
  const error = (code: number, name: string, message: string) => ({ code, message, data: { code: name } })
  const noHttp = error(-32000, 'RPC_HTTP', 'this is no request by HTTP/1.1')
  expect(await told('frob\r\n\r\n')).toEqual([400, noHttp])
  expect(await told(`GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`)).toEqual([400, noHttp])
  const path = (what: string) => error(-32003, 'RPC_PATH', `there is no ${what}`)
  expect(await told('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toEqual([404, path('GET /')])
  expect(await told('GET //: HTTP/1.1\r\nHost: x\r\n\r\n')).toEqual([404, path('GET //:')])
  const upgrade = 'GET /console/1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: y\r\n\r\n'
  expect(await told(upgrade)).toEqual([404, path('GET /console/1')])
  const long = error(-32002, 'RPC_LENGTH', 'a request is at most 1048576 bytes')
  expect(await told(post('x'.repeat(2 ** 20 + 1)))).toEqual([413, long])
  expect(await told(post('x'.repeat(2 ** 25)))).toEqual([413, long])
  expect(bugs).toEqual([])
})

test('a client of questions is answered them, and refused what would change anything', async () => {
  const path = join(folder, 'ro.sock')
  const verbs = new Map<string, AnyVerb>([
    ['ask', question(configOf({ word: text() }), ({ word }) => word)],
    ['act', verb(noConfig, () => bugs.push('acted'))],
  ])
  const readOnly = await startService({
    place: { path },
    verbs: questionsOf(verbs),
    failed: (error) => bugs.push(error),
  })
  const visitor = new RpcClient({ name: 'the service', path })
  expect(await visitor.call('ask', { word: 'who' })).toBe('who')
  const refused = { code: 'PERMISSION', message: 'act: this socket is for questions only' }
  await expect(visitor.call('act')).rejects.toMatchObject(refused)
  await expect(visitor.call('act', { odd: true })).rejects.toMatchObject(refused)
  await expect(visitor.call('none')).rejects.toMatchObject({ code: 'RPC_METHOD' })
  expect(bugs).toEqual([])
  await readOnly.close()
})

test('a client that does not finish its request is let go, and delays nobody', async () => {
  const slow = raw('POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{', 60_000)
  for (let n = 0; n < 50; n++) expect(await client.call('echo', { word: String(n) })).toBe(String(n))
  const [head, body] = (await slow).split('\r\n\r\n') as [string, string]
  expect(head).toMatch(/^HTTP\/1.1 408 /)
  expect(JSON.parse(body)).toMatchObject({
    error: { data: { code: 'RPC_TIMEOUT' }, message: 'a request is to arrive whole within 10 s' },
  })
})

test('a client that hangs up in the middle of its request is nothing to anybody', async () => {
  const socket = connect(service.path, () => {
    socket.write('POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{', () => socket.destroy())
  })
  await new Promise((resolve) => socket.once('close', resolve))
  expect(await client.call('echo', { word: 'still' })).toBe('still')
  expect(bugs).toEqual([])
})

test('200 at once are answered, each with its own', async () => {
  const words = Array.from({ length: 200 }, (_, n) => `word ${n}`)
  expect(await Promise.all(words.map((word) => client.call('echo', { word })))).toEqual(words)
})

/** Descriptors of this process. */
const openFiles = (): number => readdirSync('/proc/self/fd').length

test('200 at once, most of them bad: the good ones are answered meanwhile, each bad one is told why, nothing is left', async () => {
  const kinds = clientKinds('nothing')
  const before = openFiles()
  const clients = Array.from({ length: 200 }, (_, n) => kinds[n % kinds.length] as ClientKind)
  const talking = Promise.all(clients.map(async ({ name, talk }) => ({ name, fault: await talk(service.path) })))
  let slowest = 0
  for (let n = 0; n < 50; n++) {
    const begin = performance.now()
    expect(await client.call('echo', { word: `word ${n}` })).toBe(`word ${n}`)
    slowest = Math.max(slowest, performance.now() - begin)
  }
  expect(slowest).toBeLessThan(5000)
  expect((await talking).filter(({ fault }) => fault !== undefined)).toEqual([])
  await expect.poll(openFiles, { timeout: 10_000 }).toBeLessThanOrEqual(before)
  expect(bugs).toEqual([])
})

test('a client that sends many requests at once is told that it may send one', async () => {
  const one = post('{"jsonrpc":"2.0","id":1,"method":"nothing"}').replace('Connection: close\r\n', '')
  const text = await raw(one.repeat(50))
  expect(text.match(/HTTP\/1.1 /g)).toHaveLength(1)
  expect(text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*"a connection is for one request"/s)
})

test('what a client says at once behind its request for a stream is part of the stream', async () => {
  const path = join(folder, 'echo.sock')
  const echo = await startService({
    place: { path },
    verbs: new Map(),
    upgrade(_, socket) {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: paravane\r\n\r\n')
      socket.on('data', (bytes: Buffer) => socket.end(`you said ${bytes}`))
      return true
    },
    failed: (error) => bugs.push(error),
  })
  const upgrade = 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: paravane\r\n\r\nhallo'
  expect(await raw(upgrade, 5000, path)).toMatch(/\r\n\r\nyou said hallo$/)
  await echo.close()
})

test('a service that ends lets go of connections that were taken for a stream, whatever their clients do', async () => {
  const path = join(folder, 'streams.sock')
  const streams = await startService({
    place: { path },
    verbs: new Map(),
    upgrade(_, socket) {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: paravane\r\n\r\n')
      socket.pause()
      return true
    },
    failed: (error) => bugs.push(error),
  })
  const peer = new RpcClient({ name: 'the service', path })
  const [silent, gone] = [await peer.stream('/x'), await peer.stream('/x')]
  for (const { socket } of [silent, gone]) socket.on('error', () => {})
  gone.socket.end('x'.repeat(10))
  await streams.close()
  silent.socket.destroy()
})

test('a second service is refused the place of a living one, and takes that of a dead one', async () => {
  const again = { place: { path: service.path }, verbs: new Map(), failed: () => {} }
  await expect(startService(again)).rejects.toMatchObject({
    code: 'SOCKET_IN_USE',
    message: `${service.path}: another process listens there; stop it first`,
  })
})

test('nobody there', async () => {
  const nobody = new RpcClient({ name: 'xend', path: join(folder, 'none.sock') })
  await expect(nobody.call('echo')).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: `xend does not answer at ${folder}/none.sock (ENOENT)`,
  })
})

test('a peer that ends in the middle of a call is said to have ended', async () => {
  const path = join(folder, 'mortal.sock')
  const mortal = createServer((socket) => socket.once('data', () => socket.destroy()))
  await new Promise<void>((resolve) => mortal.listen(path, resolve))
  const client = new RpcClient({ name: 'the hypervisor', path })
  const died = { code: 'PEER_DIED', message: 'the hypervisor ended while it was asked' }
  await expect(client.call('echo')).rejects.toMatchObject(died)
  await expect(client.stream('/console/1')).rejects.toMatchObject(died)
  mortal.close()
})
