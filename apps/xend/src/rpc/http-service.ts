/** A socket of ours: HTTP on a unix socket, with limits on what a client may hold up. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type SocketPlace, takeSocket } from './socket-place.ts'
import { answer, type VerbTable } from './verbs.ts'

/** Longest request, bytes. */
const BODY_MAX = 1 << 20
const CLIENTS_MAX = 1000
/** Time for a request to arrive whole, and for a client to ask again. */
const REQUEST_MS = 10_000
const IDLE_MS = 60_000

export interface ServiceInit {
  readonly place: SocketPlace
  readonly verbs: VerbTable
  /** GET of these paths. */
  readonly pages?: ReadonlyMap<string, (response: ServerResponse) => void | Promise<void>>
  /** A client wants the connection for itself (Upgrade): true if it was taken. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, first: Buffer) => boolean
  /** Hears of a bug of ours. */
  readonly failed: (error: unknown) => void
}

export interface Service {
  readonly path: string
  close(): Promise<void>
}

/** @throws CodedError `SOCKET_IN_USE` and others of `takeSocket` */
export async function startService(init: ServiceInit): Promise<Service> {
  const { place, upgrade } = init
  const server = createServer(
    {
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      serve(init, request, response).catch((error) => {
        // A client that hangs up in the middle of its request is none of ours.
        if (request.complete) init.failed(error)
        response.destroy()
      })
    },
  )
  server.maxConnections = CLIENTS_MAX
  server.on('upgrade', (request, socket, first) => {
    socket.on('error', () => socket.destroy())
    if (!upgrade?.(request, socket, first)) socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
  })
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    const status = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request'
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    else socket.destroy()
  })
  await takeSocket(server, place)
  return { path: place.path, close: () => close(server) }
}

async function serve(init: ServiceInit, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pathname = request.url?.split('?', 1)[0] ?? ''
  if (request.method === 'POST' && pathname === '/rpc') {
    const text = await bodyOf(request)
    if (text === undefined) refuse(response, 413, `a request is at most ${BODY_MAX} bytes`)
    else reply(response, await answer(init.verbs, text, init.failed))
    return
  }
  const page = request.method === 'GET' ? init.pages?.get(pathname) : undefined
  if (page === undefined) refuse(response, 404, `there is no ${request.method} ${pathname}`)
  else await page(response)
}

/** Undefined: too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_MAX) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function reply(response: ServerResponse, message: object): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(message))
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`)
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
