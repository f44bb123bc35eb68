/** A socket of ours: HTTP on a unix socket, with limits on what a client may hold up. */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { failed, RpcFault } from './message.ts'
import { placeName, type SocketPlace, takeSocket } from './socket-place.ts'
import { type AnswerListener, answer, type VerbTable } from './verbs.ts'

/** Longest request, bytes. */
const BODY_MAX = 1 << 20
const CLIENTS_MAX = 1000
/** Time for a request to arrive whole. */
const REQUEST_MS = 10_000
/** Time for a client to take some of its answer. */
const TAKE_MS = 30_000

export interface ServiceInit extends AnswerListener {
  readonly place: SocketPlace
  readonly verbs: VerbTable
  /** GET of these paths. */
  readonly pages?: ReadonlyMap<string, (response: ServerResponse) => void | Promise<void>>
  /** A client wants the connection for itself (Upgrade): true if it was taken. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex) => boolean
}

export interface Service {
  /** Or address and port. */
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
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      response.shouldKeepAlive = false
      // One that waits for what we do, or for events, is quiet as well: but then nothing waits for it.
      response.setTimeout(TAKE_MS, () => {
        if (request.socket.writableLength > 0) request.socket.destroy()
      })
      serve(init, request, response).catch((error) => {
        // A client that hangs up in the middle of its request is none of ours.
        if (request.complete) init.failed(error)
        response.destroy()
      })
    },
  )
  server.maxConnections = CLIENTS_MAX
  // Requests behind each other would all be begun at once, and their answers wait in memory until they are taken.
  server.maxRequestsPerSocket = 1
  server.on('dropRequest', (_, duplex) => {
    const socket = duplex as Socket
    if (socket.writable) refuseRaw(socket, 400, new RpcFault('http', 'a connection is for one request'))
    // At once, with what Node has made of the others.
    socket.destroy()
  })
  /** The server does not count them any more, and yet waits for them when it closes. */
  const taken = new Set<Duplex>()
  server.on('upgrade', (request, socket, first) => {
    socket.on('error', () => socket.destroy())
    taken.add(socket)
    socket.on('close', () => taken.delete(socket))
    // What the client has said already, without waiting for the answer.
    socket.unshift(first)
    if (!upgrade?.(request, socket)) refuseRaw(request.socket, 404, noPath(request))
  })
  server.on('clientError', ({ code }: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket
    if (!socket.writable) socket.destroy()
    else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      refuseRaw(socket, 408, new RpcFault('timeout', `a request is to arrive whole within ${REQUEST_MS / 1000} s`))
    } else refuseRaw(socket, 400, new RpcFault('http', 'this is no request by HTTP/1.1'))
  })
  await takeSocket(server, place)
  return { path: placeName(place), close: () => close(server, taken) }
}

async function serve(init: ServiceInit, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pathname = request.url?.split('?', 1)[0] ?? ''
  if (request.method === 'POST' && pathname === '/rpc') {
    const text = await bodyOf(request)
    if (text === undefined) refuse(response, 413, new RpcFault('length', `a request is at most ${BODY_MAX} bytes`))
    else reply(response, await answer(init.verbs, text, init))
    return
  }
  const page = request.method === 'GET' ? init.pages?.get(pathname) : undefined
  if (page === undefined) refuse(response, 404, noPath(request))
  else await page(response)
}

/** Undefined: too long. It is read to its end and thrown away, as who still writes would not see an answer. */
function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= BODY_MAX) chunks.push(chunk)
      else chunks.length = 0
    })
    request.on('end', () => resolve(length <= BODY_MAX ? Buffer.concat(chunks).toString() : undefined))
    request.on('error', reject)
  })
}

function reply(response: ServerResponse, message: object): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(message))
}

/** What is no call of a method is answered as one that failed. */
const refusal = (fault: RpcFault): string => JSON.stringify(failed(null, fault))
const noPath = ({ method, url }: IncomingMessage): RpcFault => new RpcFault('path', `there is no ${method} ${url}`)

function refuse(response: ServerResponse, status: number, fault: RpcFault): void {
  response.statusCode = status
  response.setHeader('connection', 'close').setHeader('content-type', 'application/json').end(refusal(fault))
}

/** Where there is no response of Node's. The client has its time to take it, and nothing more is read. */
function refuseRaw(socket: Socket, status: number, fault: RpcFault): void {
  const body = refusal(fault)
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json`
  socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  socket.destroySoon()
  socket.setTimeout(TAKE_MS, () => socket.destroy())
}

function close(server: Server, taken: ReadonlySet<Duplex>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
    for (const socket of taken) socket.destroy()
  })
}
