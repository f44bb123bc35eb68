import type { Duplex } from 'node:stream'
import { type Frame, NO_OFFLOADS } from '../switch/frame.ts'
import type { PortOwner, SwitchPort } from '../switch/port.ts'
import { StreamError, StreamReader, StreamWriter } from './stream-frames.ts'

/** Bytes that may wait for the other end before the port is busy; twice as many, and frames are dropped. */
const WAITING_MAX = 512 << 10

/** What goes between a port and a stream may be looked at, and kept from the other side. */
export interface StreamFilter {
  /** Whether a frame from the network is written to the stream. */
  out(bytes: Uint8Array): boolean
  /** Whether a frame of the stream goes into the network. */
  in(bytes: Uint8Array): boolean
}

const EVERYTHING: StreamFilter = { out: () => true, in: () => true }

/** Joins a port to the stream of a program that speaks QEMU's protocol. The stream may be exchanged. */
export class StreamEnd implements PortOwner {
  readonly offloads = NO_OFFLOADS
  readonly #filter: StreamFilter
  /** Of frames that come out of the stream. */
  readonly #checksum: Frame['checksum']
  #port: SwitchPort | undefined
  #stream: Duplex | undefined
  #writer = new StreamWriter()
  /** Frames that the network had no room for. */
  #held: Buffer[] = []

  /** @param local what the other end makes never left the host: its checksums need no check */
  constructor({ local, filter = EVERYTHING }: { readonly local: boolean; readonly filter?: StreamFilter }) {
    this.#checksum = local ? 'valid' : 'unknown'
    this.#filter = filter
  }

  /** Before anything else. */
  plug(port: SwitchPort): void {
    this.#port = port
  }

  /**
   * Begins to pass frames.
   * @param failed the other end breaks the protocol, and is cut off. What else ends the stream is for the caller to see
   */
  connect(stream: Duplex, failed: (why: string) => void): void {
    const reader = new StreamReader()
    this.#stream = stream
    this.#writer = new StreamWriter()
    this.#held = []
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk, (bytes) => this.#send(bytes))
      } catch (error) {
        if (!(error instanceof StreamError)) throw error
        stream.destroy()
        failed(error.message)
      }
      this.#port?.flush()
      if (this.#held.length > 0) stream.pause()
    })
    stream.on('drain', () => this.#port?.ready())
    // An error is followed by `close`.
    stream.on('error', () => {})
  }

  disconnect(): void {
    this.#stream?.destroy()
    this.#stream = undefined
    this.#held = []
  }

  get busy(): boolean {
    return this.#waiting > WAITING_MAX
  }

  receive({ bytes }: Frame): boolean {
    const stream = this.#stream
    if (stream === undefined || this.#waiting > 2 * WAITING_MAX) return false
    if (!this.#filter.out(bytes)) return true
    const full = this.#writer.add(bytes)
    if (full !== undefined) stream.write(full)
    return true
  }

  flush(): void {
    const bytes = this.#writer.take()
    if (bytes !== undefined) this.#stream?.write(bytes)
  }

  resume(): void {
    const held = this.#held
    this.#held = []
    for (const bytes of held) this.#send(bytes)
    this.#port?.flush()
    if (this.#held.length === 0) this.#stream?.resume()
  }

  get #waiting(): number {
    return this.#writer.waiting + (this.#stream?.writableLength ?? 0)
  }

  #send(bytes: Buffer): void {
    if (!this.#filter.in(bytes)) return
    // Those that wait go first.
    const isTaken = this.#held.length === 0 && this.#port?.send({ bytes, checksum: this.#checksum, gso: undefined })
    if (isTaken === false) this.#held.push(Buffer.from(bytes))
  }
}
