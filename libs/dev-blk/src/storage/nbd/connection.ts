import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { ByteFeed, type Parser } from './byte-feed.ts'
import type { NbdAddress } from './nbd-address.ts'
import { NbdError, type NbdReplyError } from './nbd-error.ts'
import { type NbdExport, negotiate } from './negotiation.ts'
import { COMMAND, REQUEST_MAGIC } from './protocol.ts'
import { readReplies, type SentRequest, type SentRequests } from './replies.ts'

export interface ConnectionLimits {
  /** For connecting and negotiating, ms. */
  readonly greeting: number
  /** How long requests may be under way without a byte from the server, ms; none: for ever. */
  readonly silence?: number
}

interface Waiting extends SentRequest {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const COOKIE_MASK = 0xffff_ffff

/** One connection to an NBD server, from its negotiation until it is lost. */
export class NbdConnection {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  readonly #limits: ConnectionLimits
  readonly #lost = Promise.withResolvers<NbdError>()
  #about: NbdExport | undefined
  #cookie = 0
  #corked = false
  #loss: NbdError | undefined
  /** When there was the last word from the server, or the first request after a rest. */
  #heard = 0
  #watch: NodeJS.Timeout | undefined

  /** @throws NbdError */
  static async open(address: NbdAddress, limits: ConnectionLimits): Promise<NbdConnection> {
    const greeted = Promise.withResolvers<void>()
    const connection = new NbdConnection(address, limits, greeted.resolve)
    const timer = setTimeout(() => connection.#lose('it does not answer'), limits.greeting)
    const loss = await Promise.race([greeted.promise, connection.lost])
    clearTimeout(timer)
    if (loss !== undefined) throw loss
    return connection
  }

  private constructor(address: NbdAddress, limits: ConnectionLimits, greeted: () => void) {
    this.#limits = limits
    const feed = new ByteFeed(this.#session(address.exportName, greeted))
    const options: NetConnectOpts = {
      ...('path' in address ? { path: address.path } : { host: address.host, port: address.port }),
      noDelay: true,
      keepAlive: true,
      onread: {
        buffer: () => feed.place() as Buffer,
        callback: (count) => {
          this.#heard = performance.now()
          try {
            feed.filled(count)
          } catch (error) {
            if (!(error instanceof NbdError)) throw error
            this.#lose(error.message)
          }
          return true
        },
      },
    }
    this.#socket = connect(options)
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#lose(reasonOf(error)))
    this.#socket.on('close', () => this.#lose('it closed the connection'))
  }

  /** Resolves when nothing more comes of it, with why. */
  get lost(): Promise<NbdError> {
    return this.#lost.promise
  }

  get about(): NbdExport {
    return this.#about!
  }

  /**
   * Sends a request, of a length that the server takes.
   * @param into of a read @param from of a write: of the command's length
   * @throws NbdReplyError as the server says, NbdError when the connection is lost
   */
  request(
    command: number,
    flags: number,
    offset: number,
    length: number,
    into: readonly Uint8Array[] = [],
    from: readonly Uint8Array[] = [],
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#loss !== undefined) return reject(this.#loss)
      const { silence } = this.#limits
      if (this.#waiting.size === 0) this.#heard = performance.now()
      if (silence !== undefined && this.#watch === undefined) this.#watchFor(silence)
      const cookie = this.#nextCookie()
      this.#waiting.set(cookie, { command, offset, length, into, resolve, reject })
      this.#send(header(command, flags, cookie, offset, length), from)
    })
  }

  /** What is under way is lost. */
  close(): void {
    if (this.#loss === undefined) this.#socket.write(header(COMMAND.disconnect!, 0, 0, 0, 0))
    this.#lose('it was closed')
  }

  *#session(exportName: string, greeted: () => void): Parser {
    const about = yield* negotiate(exportName, (bytes) => this.#socket.write(bytes))
    this.#about = about
    greeted()
    yield* readReplies(about.structured, this.#requests())
  }

  #requests(): SentRequests {
    return {
      find: (cookie) => this.#waiting.get(cookie),
      done: (cookie, error) => this.#done(cookie, error),
    }
  }

  #done(cookie: number, error: NbdReplyError | undefined): void {
    const { resolve, reject } = this.#waiting.get(cookie)!
    this.#waiting.delete(cookie)
    if (error === undefined) resolve()
    else reject(error)
  }

  /** What is sent in one turn of the event loop goes out in one system call. */
  #send(head: Uint8Array, data: readonly Uint8Array[]): void {
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      queueMicrotask(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(head)
    for (const bytes of data) this.#socket.write(bytes)
  }

  #nextCookie(): number {
    do this.#cookie = (this.#cookie + 1) & COOKIE_MASK
    while (this.#waiting.has(this.#cookie >>> 0))
    return this.#cookie >>> 0
  }

  #watchFor(ms: number): void {
    this.#watch = setTimeout(() => {
      this.#watch = undefined
      if (this.#waiting.size === 0) return
      const left = this.#heard + this.#limits.silence! - performance.now()
      if (left <= 0) this.#lose(`it has not answered for ${this.#limits.silence! / 1000} s`)
      else this.#watchFor(left)
    }, ms)
  }

  #lose(why: string): void {
    if (this.#loss !== undefined) return
    const loss = new NbdError(why)
    this.#loss = loss
    clearTimeout(this.#watch)
    this.#socket.destroy()
    this.#lost.resolve(loss)
    for (const { reject } of this.#waiting.values()) reject(loss)
    this.#waiting.clear()
  }
}

function header(command: number, flags: number, cookie: number, offset: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(28)
  head.writeUInt32BE(REQUEST_MAGIC, 0)
  head.writeUInt16BE(flags, 4)
  head.writeUInt16BE(command, 6)
  head.writeUInt32BE(0, 8)
  head.writeUInt32BE(cookie, 12)
  head.writeBigUInt64BE(BigInt(offset), 16)
  head.writeUInt32BE(length, 24)
  return head
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return 'nobody listens there'
  if (code === 'ENOENT') return 'there is no such socket'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name is not known'
  if (code === 'EACCES') return 'its socket is closed to this user'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'it closed the connection'
  return message
}
