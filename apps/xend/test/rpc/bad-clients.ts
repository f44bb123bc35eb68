/** Clients of an RPC socket as they come: good, malformed, slow, and those that hang up or never read. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ClientKind {
  readonly name: string
  /** What the client got is not what it should have; undefined: all is well. */
  talk(path: string): Promise<string | undefined>
}

/** A connection that should be over has this long, ms. */
const PATIENCE_MS = 60_000
const HUGE = 8 << 20
const PIPELINED = 500

const message = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
const post = (body: string, length: number = Buffer.byteLength(body)): string =>
  `POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${body}`

interface Ended {
  readonly text: string
  readonly isOver: boolean
}

/** All that a client of bytes gets until the other end closes the connection. */
function converse(path: string, act: (socket: Socket) => void): Promise<Ended> {
  return new Promise((resolve) => {
    let text = ''
    const done = (isOver: boolean): void => {
      clearTimeout(patience)
      socket.destroy()
      resolve({ text, isOver })
    }
    const socket = connect({ path, allowHalfOpen: true }, () => act(socket))
    const patience = setTimeout(() => done(false), PATIENCE_MS)
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString()
    })
    socket.on('end', () => done(true))
    socket.on('close', () => done(true))
    socket.on('error', () => {})
  })
}

/** It is told that by a reply of JSON-RPC, and the connection is closed. */
function told(name: string, status: number, code: string | undefined, act: (socket: Socket) => void): ClientKind {
  return {
    name,
    async talk(path) {
      const { text, isOver } = await converse(path, act)
      if (!isOver) return 'the connection is still there'
      if (!text.startsWith(`HTTP/1.1 ${status} `)) return `it got ${JSON.stringify(text.slice(0, 80))}`
      const body = /\r\n\r\n(\{.*\})\s*$/s.exec(text)?.[1] ?? '{}'
      const reply = JSON.parse(body) as { result?: unknown; error?: { data?: { code?: string } } }
      const answered = reply.error?.data?.code
      return answered === code && (code !== undefined || 'result' in reply)
        ? undefined
        : `it was told ${body.slice(0, 80)}`
    },
  }
}

const sends = (text: string) => (socket: Socket) => void socket.write(text)

/** It leaves after what it does, and nothing is said to it. */
export const leaves = (name: string, act: (socket: Socket) => unknown): ClientKind => ({
  name,
  talk: (path) =>
    new Promise((resolve) => {
      const socket = connect(path, async () => {
        await act(socket)
        socket.destroy()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(undefined))
    }),
})

/** @param method that takes no parameters */
export function clientKinds(method: string): readonly ClientKind[] {
  return [
    told('asks', 200, undefined, sends(post(message(method)))),
    told('asks for what there is not', 200, 'RPC_METHOD', sends(post(message('frob')))),
    told('gives what is not taken', 200, 'RPC_PARAMS', sends(post(message(method, { frob: 1 })))),
    told('sends no JSON', 200, 'RPC_PARSE', sends(post('{"jsonrpc": '))),
    told('sends no request', 200, 'RPC_REQUEST', sends(post('[1, 2]'))),
    told('sends no HTTP', 400, 'RPC_HTTP', sends('frob\r\n\r\n')),
    told('asks for a page that is not there', 404, 'RPC_PATH', sends('GET /etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n')),
    told('sends too much', 413, 'RPC_LENGTH', sends(post('x'.repeat(HUGE)))),
    told('says nothing', 408, 'RPC_TIMEOUT', () => {}),
    told('sends half a request', 408, 'RPC_TIMEOUT', sends(post('{"jsonrpc"', 100))),
    told('sends a byte now and then', 408, 'RPC_TIMEOUT', async (socket) => {
      // Not to the end: what is written to a closed socket would cost what was to be read.
      for (const byte of post(message(method)).slice(0, 16)) {
        await sleep(500)
        socket.write(byte)
      }
    }),
    leaves('hangs up at once', () => {}),
    leaves('hangs up in the middle of a request', (socket) => void socket.write(post('{', 100))),
    leaves('hangs up before its answer', (socket) => void socket.write(post(message(method)))),
    leaves('asks many times and never reads', async (socket) => {
      socket.pause()
      socket.write(post(message(method)).repeat(PIPELINED))
      await sleep(5000)
    }),
  ]
}

/** Clients of a guest's console, which type more than the guest reads. */
export function consoleClients(domid: number): readonly ClientKind[] {
  const upgrade = `GET /console/${domid} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: paravane\r\n\r\n`
  const types = async (socket: Socket): Promise<void> => {
    socket.write(upgrade + 'x'.repeat(HUGE))
    await sleep(5000)
  }
  return [
    leaves('types without end at a console', async (socket) => {
      socket.resume()
      await types(socket)
    }),
    leaves('types without end at a console and never reads', async (socket) => {
      socket.pause()
      await types(socket)
    }),
    told('asks for a console that is not there', 404, 'RPC_PATH', sends(upgrade.replace(/\d+/, '32000'))),
  ]
}
