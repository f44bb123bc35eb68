import type { Duplex } from 'node:stream'
import { Coalescer } from '../offload/coalesce.ts'
import { type Frame, NO_OFFLOADS, type Offloads } from '../switch/frame.ts'
import type { PortOwner, SwitchPort } from '../switch/port.ts'
import { StreamError, StreamReader, StreamWriter } from './stream-frames.ts'

/** Bytes that may wait for the other end before the port is busy; twice as many, and frames are dropped. */
const WAITING_MAX = 512 << 10
/**
 * Bytes that are kept for a network that has no room before the stream is left to fill: TCP may have a window on the way, and a helper
 * loses what it cannot write.
 */
const HELD_MAX = 4 << 20

/** What goes between a port and a stream may be looked at, and kept from the other side. */
export interface StreamFilter {
  /** Whether a frame from the network is written to the stream. */
  out(bytes: Uint8Array): boolean
  /** Whether a frame of the stream goes into the network. */
  in(bytes: Uint8Array): boolean
}

const EVERYTHING: StreamFilter = { out: () => true, in: () => true }

/** How a frame looks on the stream, behind its length. */
export interface StreamWire {
  readonly offloads: Offloads
  /** What stands before the frame, good until the next; undefined if the frame cannot be shown. */
  header(frame: Frame): Uint8Array | undefined
  /** The frame, which may be in `bytes`; undefined if it is none. */
  frame(bytes: Buffer): Frame | undefined
}

const NOTHING = new Uint8Array(0)

/**
 * A frame and nothing else.
 * @param local what the other end makes never left the host: its checksums need no check
 * @param uncut it takes TCP packets of any length
 */
export function plainWire(local: boolean, uncut: boolean = false): StreamWire {
  const checksum = local ? 'valid' : 'unknown'
  const offloads = { ...NO_OFFLOADS, uncut }
  return { offloads, header: () => NOTHING, frame: (bytes) => ({ bytes, checksum, gso: undefined }) }
}

/** Joins a port to the stream of a program that speaks QEMU's protocol. The stream may be exchanged. */
export class StreamEnd implements PortOwner {
  readonly #wire: StreamWire
  readonly #filter: StreamFilter
  #port: SwitchPort | undefined
  #stream: Duplex | undefined
  #writer = new StreamWriter()
  /** Frames that the network had no room for. */
  #held: Frame[] = []
  #heldBytes = 0
  readonly #coalescer = new Coalescer((frame) => this.#pass(frame))

  constructor(wire: StreamWire, filter: StreamFilter = EVERYTHING) {
    this.#wire = wire
    this.#filter = filter
  }

  get offloads(): Offloads {
    return this.#wire.offloads
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
    this.#forget()
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk, (bytes) => this.#send(bytes))
        this.#coalescer.flush()
      } catch (error) {
        if (!(error instanceof StreamError)) throw error
        stream.destroy()
        failed(error.message)
      }
      this.#port?.flush()
      if (this.#heldBytes > HELD_MAX) stream.pause()
    })
    stream.on('drain', () => this.#port?.ready())
    // An error is followed by `close`.
    stream.on('error', () => {})
  }

  disconnect(): void {
    this.#stream?.destroy()
    this.#stream = undefined
    this.#forget()
  }

  get busy(): boolean {
    return this.#waiting > WAITING_MAX
  }

  receive(frame: Frame): boolean {
    const stream = this.#stream
    if (stream === undefined || this.#waiting > 2 * WAITING_MAX) return false
    if (!this.#filter.out(frame.bytes)) return true
    const header = this.#wire.header(frame)
    if (header === undefined) return false
    const full = this.#writer.add(header, frame.bytes)
    if (full !== undefined) stream.write(full)
    return true
  }

  flush(): void {
    const bytes = this.#writer.take()
    if (bytes !== undefined) this.#stream?.write(bytes)
  }

  resume(): void {
    const held = this.#held
    this.#forget()
    for (const frame of held) this.#pass(frame)
    this.#port?.flush()
    if (this.#heldBytes <= HELD_MAX) this.#stream?.resume()
  }

  #forget(): void {
    this.#held = []
    this.#heldBytes = 0
  }

  get #waiting(): number {
    return this.#writer.waiting + (this.#stream?.writableLength ?? 0)
  }

  #send(bytes: Buffer): void {
    if (!this.#filter.in(bytes)) return
    const frame = this.#wire.frame(bytes)
    if (frame !== undefined) this.#coalescer.push(frame)
  }

  #pass(frame: Frame): void {
    // Those that wait go first.
    const isTaken = this.#held.length === 0 && this.#port?.send(frame)
    if (isTaken !== false) return
    this.#held.push({ ...frame, bytes: new Uint8Array(frame.bytes) })
    this.#heldBytes += frame.bytes.length
  }
}
