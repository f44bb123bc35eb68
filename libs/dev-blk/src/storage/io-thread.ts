import { getSystemErrorName } from 'node:util'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { THREAD_HEAP } from '@paravane/core/thread-memory'
import * as protocol from './io-thread-protocol.ts'

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './io-worker.ts' : './io-worker.js', import.meta.url)
const { RECORD } = protocol
/** A request that takes longer, in ms, waits for a device: others are not to wait behind it. */
const SLOW_MS = 0.5

interface Pending {
  readonly since: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Memory {
  readonly number: number
  /** Files that have used it. */
  readonly users: Set<number>
}

/** Thrown where the file ends before the request does. */
export class EndOfFile extends Error {
  override readonly name: string = 'EndOfFile'
}

/**
 * A thread that reads and writes files synchronously, straight from and to guests' memory. What the host has in its page cache takes
 * 2 microseconds so; Node's thread pool takes 10 to 20, as it wakes a thread and the event loop for each request by itself. It serves
 * one request after another, so it is for what is fast: while it is held up by one, {@link takes} says no.
 */
export class IoThread {
  readonly #shared = new SharedArrayBuffer(protocol.SHARED_BYTES)
  readonly #words = new Int32Array(this.#shared)
  readonly #pending: Pending[] = []
  readonly #memories = new Map<ArrayBufferLike, Memory>()
  #lastMemory = 0
  #submitted = 0
  #reaped = 0
  #reaping = false
  #worker: Worker | undefined
  #mail: MessagePort | undefined
  #ended = false

  /** Whether a request goes this way: it is of one shared memory, in few pieces, and the thread is not held up. */
  takes(pieces: readonly Uint8Array[]): boolean {
    if (this.#ended || pieces.length === 0 || pieces.length > protocol.PIECES) return false
    // One slot is kept for mail.
    if (this.#pending.length >= protocol.SLOTS - 2) return false
    const [oldest] = this.#pending
    if (oldest !== undefined && performance.now() - oldest.since > SLOW_MS) return false
    const [first] = pieces
    return first?.buffer instanceof SharedArrayBuffer && pieces.every(({ buffer }) => buffer === first.buffer)
  }

  /** Only if it {@link takes} it. Rejects with an error that has a `code`, or with EndOfFile. */
  transfer(operation: 'read' | 'write', fd: number, offset: number, pieces: readonly Uint8Array[]): Promise<void> {
    const memory = this.#memoryOf((pieces[0] as Uint8Array).buffer, fd)
    const words = this.#words
    const at = this.#slot()
    words[at + RECORD.operation] = operation === 'read' ? protocol.OP_READ : protocol.OP_WRITE
    words[at + RECORD.fd] = fd
    words[at + RECORD.offsetLow] = offset | 0
    words[at + RECORD.offsetHigh] = Math.floor(offset / 2 ** 32)
    words[at + RECORD.memory] = memory
    words[at + RECORD.pieces] = pieces.length
    let to = at + RECORD.piece
    for (const { byteOffset, length } of pieces) {
      words[to++] = byteOffset | 0
      words[to++] = length
    }
    return this.#submit()
  }

  /** A file is closed: nothing of the memory that it alone has used is held any more. */
  forget(fd: number): void {
    for (const [buffer, { number, users }] of this.#memories) {
      if (!users.delete(fd) || users.size > 0) continue
      this.#memories.delete(buffer)
      this.#post({ memory: number, buffer: undefined })
    }
  }

  /** Nothing is under way any more. */
  async stop(): Promise<void> {
    this.#ended = true
    if (this.#worker === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#worker.once('exit', () => resolve())
    // Nothing else may keep the process until then.
    this.#worker.ref()
    this.#words[this.#slot() + RECORD.operation] = protocol.OP_END
    this.#ring()
    await promise
  }

  #memoryOf(buffer: ArrayBufferLike, fd: number): number {
    const known = this.#memories.get(buffer)
    if (known !== undefined) {
      known.users.add(fd)
      return known.number
    }
    const number = ++this.#lastMemory
    this.#memories.set(buffer, { number, users: new Set([fd]) })
    this.#post({ memory: number, buffer: buffer as SharedArrayBuffer })
    return number
  }

  #post(mail: protocol.MemoryMail): void {
    this.#start()
    this.#mail?.postMessage(mail)
    this.#words[this.#slot() + RECORD.operation] = protocol.OP_MAIL
    this.#submit().catch(() => {})
  }

  /** Place of the next record. */
  #slot(): number {
    return protocol.RECORDS + (this.#submitted & (protocol.SLOTS - 1)) * protocol.RECORD_WORDS
  }

  #submit(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending.push({ since: performance.now(), resolve, reject })
    this.#ring()
    if (!this.#reaping) void this.#reap()
    return promise
  }

  #ring(): void {
    this.#submitted = (this.#submitted + 1) | 0
    Atomics.store(this.#words, protocol.SUBMITTED, this.#submitted)
    Atomics.notify(this.#words, protocol.SUBMITTED)
  }

  /** Settles what is done, until nothing is under way. Only then the process may end. */
  async #reap(): Promise<void> {
    this.#reaping = true
    this.#worker?.ref()
    while (this.#pending.length > 0) {
      const done = Atomics.load(this.#words, protocol.DONE)
      while (this.#reaped !== done) this.#settle()
      if (this.#pending.length === 0) break
      const waiting = Atomics.waitAsync(this.#words, protocol.DONE, done)
      if (waiting.async) await waiting.value
    }
    this.#worker?.unref()
    this.#reaping = false
  }

  #settle(): void {
    const at = protocol.RECORDS + (this.#reaped & (protocol.SLOTS - 1)) * protocol.RECORD_WORDS
    const result = this.#words[at + RECORD.result] as number
    const isMail = this.#words[at + RECORD.operation] === protocol.OP_MAIL
    this.#reaped = (this.#reaped + 1) | 0
    const { resolve, reject } = this.#pending.shift() as Pending
    if (isMail || result === 0) resolve()
    else reject(result === protocol.ENDED ? new EndOfFile() : failure(result))
  }

  #start(): void {
    if (this.#worker !== undefined) return
    const { port1, port2 } = new MessageChannel()
    port1.unref()
    this.#mail = port1
    const start: protocol.IoThreadStart = { shared: this.#shared, mail: port2 }
    this.#worker = new Worker(WORKER, {
      name: 'disks',
      workerData: start,
      transferList: [port2],
      resourceLimits: THREAD_HEAP,
    })
    this.#worker.unref()
    this.#worker.on('error', (error) => this.#died(error))
    this.#worker.on('exit', () => this.#died(new Error('the thread that reads and writes files has ended')))
  }

  #died(why: unknown): void {
    this.#ended = true
    for (const { reject } of this.#pending.splice(0)) reject(why)
  }
}

function failure(errno: number): Error {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(code), { code, errno })
}
