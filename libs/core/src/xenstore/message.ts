import { XENSTORE_PAYLOAD_MAX, xsd_sockmsg } from '../abi/io/xs-wire.ts'
import { sizeof } from '../abi/struct.ts'

/** One message of either direction: `struct xsd_sockmsg` and what follows it. */
export interface XsMessage {
  readonly type: number
  readonly reqId: number
  readonly txId: number
  /** At most XENSTORE_PAYLOAD_MAX bytes. */
  readonly payload: Uint8Array
}

const HEADER_SIZE = sizeof(xsd_sockmsg)

export function encodeMessage(message: XsMessage): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + message.payload.length)
  const header = new DataView(bytes.buffer)
  xsd_sockmsg.type.set(header, 0, message.type)
  xsd_sockmsg.req_id.set(header, 0, message.reqId)
  xsd_sockmsg.tx_id.set(header, 0, message.txId)
  xsd_sockmsg.len.set(header, 0, message.payload.length)
  bytes.set(message.payload, HEADER_SIZE)
  return bytes
}

/** The message is not complete yet. */
export const INCOMPLETE = 'incomplete'
/** The header announces more than XENSTORE_PAYLOAD_MAX bytes; nothing that follows can be understood. */
export const OVERSIZED = 'oversized'

/** Puts messages together from a stream of bytes that arrives in pieces of any size. */
export class MessageReader {
  readonly #bytes = new Uint8Array(HEADER_SIZE + XENSTORE_PAYLOAD_MAX)
  readonly #header = new DataView(this.#bytes.buffer)
  #filled = 0
  #size = HEADER_SIZE

  /** Where the next bytes of the stream go: never beyond the end of the message. Not empty. */
  get room(): Uint8Array {
    return this.#bytes.subarray(this.#filled, this.#size)
  }

  /** `count` bytes have been put at the start of `room`. After OVERSIZED only `reset` may follow. */
  advance(count: number): XsMessage | typeof INCOMPLETE | typeof OVERSIZED {
    this.#filled += count
    if (this.#filled < this.#size) return INCOMPLETE
    if (this.#size === HEADER_SIZE) {
      const length = xsd_sockmsg.len.get(this.#header, 0)
      if (length > XENSTORE_PAYLOAD_MAX) return OVERSIZED
      this.#size += length
      if (length > 0) return INCOMPLETE
    }
    const message = {
      type: xsd_sockmsg.type.get(this.#header, 0),
      reqId: xsd_sockmsg.req_id.get(this.#header, 0),
      txId: xsd_sockmsg.tx_id.get(this.#header, 0),
      payload: this.#bytes.slice(HEADER_SIZE, this.#size),
    }
    this.reset()
    return message
  }

  /** The messages that end in `bytes`, as they are asked for. Nothing follows OVERSIZED. */
  *messages(bytes: Uint8Array): Generator<XsMessage | typeof OVERSIZED, void> {
    for (let at = 0; at < bytes.length; ) {
      const { room } = this
      const count = Math.min(room.length, bytes.length - at)
      room.set(bytes.subarray(at, at + count))
      at += count
      const message = this.advance(count)
      if (message !== INCOMPLETE) yield message
      if (message === OVERSIZED) return
    }
  }

  /** Forgets a message that is not complete. */
  reset(): void {
    this.#filled = 0
    this.#size = HEADER_SIZE
  }
}
