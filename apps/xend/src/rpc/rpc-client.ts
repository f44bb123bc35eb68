import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { CodedError, type ErrorDetails } from '@paravane/core'
import type { RpcReply } from './message.ts'

/** Who listens at a path, for messages: "xend", "the hypervisor". */
export interface RpcPeer {
  readonly name: string
  readonly path: string
  /** What is known of its not answering, in a few words. */
  readonly absence?: () => string | undefined
}

/** What only calls methods. */
export type RpcCaller = Pick<RpcClient, 'call'>
/** Calls that are under way; more wait here and not at the peer, which has others to serve. */
const CALLS_AT_ONCE = 100

/** Calls methods of a socket of ours; each call is a connection of its own. */
export class RpcClient {
  readonly #peer: RpcPeer
  readonly #agent = new Agent({ maxSockets: CALLS_AT_ONCE })
  #calls = 0

  constructor(peer: RpcPeer) {
    this.#peer = peer
  }

  /**
   * @param signal of who does not want to wait longer
   * @throws CodedError what the peer answered, or `UNREACHABLE`, `PEER_DIED`
   */
  async call<T>(method: string, params: object = {}, signal?: AbortSignal): Promise<T> {
    const text = JSON.stringify({ jsonrpc: '2.0', id: ++this.#calls, method, params })
    const answer = await this.#post(text, signal)
    const reply = JSON.parse(answer) as RpcReply
    if ('error' in reply) throw new CodedError(reply.error.data as ErrorDetails, reply.error.message)
    return reply.result as T
  }

  /** A connection for itself. @throws CodedError `NO_STREAM`, `UNREACHABLE` */
  stream(path: string): Promise<{ readonly socket: Socket; readonly first: Buffer }> {
    const { path: socketPath } = this.#peer
    return new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath, path, headers: { connection: 'Upgrade', upgrade: 'paravane' } })
      request.on('upgrade', (_, socket, first) => resolve({ socket, first }))
      request.on('response', (response) => {
        response.resume()
        reject(new CodedError({ code: 'NO_STREAM', path }, `${this.#peer.name} has no ${path}`))
      })
      request.on('error', (error) => reject(this.#unreachable(error)))
      request.end()
    })
  }

  #post(text: string, signal: AbortSignal | undefined): Promise<string> {
    const { path: socketPath } = this.#peer
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    return new Promise((resolve, reject) => {
      const options = { socketPath, path: '/rpc', method: 'POST', headers, agent: this.#agent, signal }
      const request = httpRequest(options, (response) => {
        textOf(response).then(resolve, (error) => reject(this.#unreachable(error)))
      })
      request.on('error', (error) => reject(this.#unreachable(error)))
      request.end(text)
    })
  }

  #unreachable(error: NodeJS.ErrnoException): CodedError<{ code: string; path: string }> {
    const { name, path, absence } = this.#peer
    const died = error.code === 'ECONNRESET' || error.code === 'EPIPE'
    const known = absence?.()
    const silent = known === undefined ? `${name} does not answer at ${path} (${error.code})` : `${name} ${known}`
    const why = died ? `${name} ended while it was asked` : silent
    return new CodedError({ code: died ? 'PEER_DIED' : 'UNREACHABLE', path }, why, { cause: error })
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
