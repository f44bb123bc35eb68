import { XENSTORE_PAYLOAD_MAX, xsd_sockmsg } from '../abi/io/xs-wire.ts'
import { sizeof } from '../abi/struct.ts'

/** One message of either direction: `struct xsd_sockmsg` and what follows it. */
export interface XsMessage {
  readonly type: number
  readonly reqId: number
  readonly txId: number
  /** A character for each byte, at most XENSTORE_PAYLOAD_MAX. */
  readonly payload: string
}

const HEADER_SIZE = sizeof(xsd_sockmsg)
const [TYPE, REQ_ID, TX_ID, LEN] = [xsd_sockmsg.type, xsd_sockmsg.req_id, xsd_sockmsg.tx_id, xsd_sockmsg.len].map(
  ({ offset }) => offset,
) as [number, number, number, number]

export function encodeMessage({ type, reqId, txId, payload }: XsMessage): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_SIZE + payload.length)
  bytes.writeUInt32LE(type, TYPE)
  bytes.writeUInt32LE(reqId, REQ_ID)
  bytes.writeUInt32LE(txId, TX_ID)
  bytes.writeUInt32LE(payload.length, LEN)
  bytes.write(payload, HEADER_SIZE, 'latin1')
  return bytes
}

/** The whole message at `at`. */
function decodeMessage(bytes: Buffer, at: number, size: number): XsMessage {
  return {
    type: bytes.readUInt32LE(at + TYPE),
    reqId: bytes.readUInt32LE(at + REQ_ID),
    txId: bytes.readUInt32LE(at + TX_ID),
    payload: bytes.toString('latin1', at + HEADER_SIZE, at + size),
  }
}

/** The message is not complete yet. */
export const INCOMPLETE = 'incomplete'
/** The header announces more than XENSTORE_PAYLOAD_MAX bytes; nothing that follows can be understood. */
export const OVERSIZED = 'oversized'

/** Puts messages together from a stream of bytes that arrives in pieces of any size. */
export class MessageReader {
  readonly #bytes = Buffer.alloc(HEADER_SIZE + XENSTORE_PAYLOAD_MAX)
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
      const length = this.#bytes.readUInt32LE(LEN)
      if (length > XENSTORE_PAYLOAD_MAX) return OVERSIZED
      this.#size += length
      if (length > 0) return INCOMPLETE
    }
    const message = decodeMessage(this.#bytes, 0, this.#size)
    this.reset()
    return message
  }

  /** Hands on the messages that end in `bytes`. Returns OVERSIZED where one is; nothing after it is looked at. */
  read(bytes: Buffer, heard: (message: XsMessage) => void): typeof OVERSIZED | undefined {
    for (let at = 0; at < bytes.length; ) {
      const whole = this.#wholeAt(bytes, at)
      if (whole > 0) {
        heard(decodeMessage(bytes, at, whole))
        at += whole
        continue
      }
      const count = Math.min(this.#size - this.#filled, bytes.length - at)
      bytes.copy(this.#bytes, this.#filled, at, at + count)
      at += count
      const message = this.advance(count)
      if (message === OVERSIZED) return OVERSIZED
      if (message !== INCOMPLETE) heard(message)
    }
    return undefined
  }

  /** Bytes of the message that begins and ends in `bytes`, as most do; 0: there is none. */
  #wholeAt(bytes: Buffer, at: number): number {
    if (this.#filled > 0 || bytes.length - at < HEADER_SIZE) return 0
    const length = bytes.readUInt32LE(at + LEN)
    return length <= XENSTORE_PAYLOAD_MAX && at + HEADER_SIZE + length <= bytes.length ? HEADER_SIZE + length : 0
  }

  /** Forgets a message that is not complete. */
  reset(): void {
    this.#filled = 0
    this.#size = HEADER_SIZE
  }
}
