import { PAGE_SIZE, type SharedPage, sharedPage } from '../../src/ring/shared-page.ts'
import { encodeMessage, MessageReader, type XsMessage } from '../../src/xenstore/message.ts'

/** Words of `struct xenstore_domain_interface`. */
export const INDEX = {
  reqCons: 512,
  reqProd: 513,
  rspCons: 514,
  rspProd: 515,
  features: 516,
  connection: 517,
  error: 518,
}

/** The guest's half of the store ring, written without our ring code. */
export class StoreGuest {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(3 * PAGE_SIZE)
  readonly page: SharedPage = sharedPage(this.memory, PAGE_SIZE, (offset, length) =>
    this.written.push([offset, length]),
  )
  /** What the server told the memory's owner it wrote. */
  readonly written: [offset: number, length: number][] = []
  /** Events received. */
  notified = 0
  readonly notify = (): void => {
    this.notified++
  }
  readonly #bytes = new Uint8Array(this.memory, PAGE_SIZE, PAGE_SIZE)
  readonly #words = new Uint32Array(this.memory, PAGE_SIZE, PAGE_SIZE / 4)
  readonly #reader = new MessageReader()

  get(word: number): number {
    return this.#words[word]!
  }

  set(word: number, value: number): void {
    this.#words[word] = value
  }

  /** Both rings empty, as if they had been in use for long. */
  startAt(index: number): void {
    for (const word of [INDEX.reqCons, INDEX.reqProd, INDEX.rspCons, INDEX.rspProd]) this.set(word, index)
  }

  /** Bytes of requests the ring has room for. */
  get room(): number {
    return 1024 - ((this.get(INDEX.reqProd) - this.get(INDEX.reqCons)) >>> 0)
  }

  /** Puts as many of the bytes into the request ring as fit. Returns how many. */
  put(bytes: Uint8Array): number {
    const prod = this.get(INDEX.reqProd)
    const count = Math.min(this.room, bytes.length)
    for (let i = 0; i < count; i++) this.#bytes[(prod + i) & 1023] = bytes[i]!
    this.set(INDEX.reqProd, prod + count)
    return count
  }

  /** Takes at most `limit` bytes from the reply ring and returns the messages they complete. */
  take(limit = 1024): XsMessage[] {
    const cons = this.get(INDEX.rspCons)
    const count = Math.min(limit, (this.get(INDEX.rspProd) - cons) >>> 0)
    const messages: XsMessage[] = []
    for (let i = 0; i < count; i++) {
      this.#reader.room[0] = this.#bytes[1024 + ((cons + i) & 1023)]!
      const message = this.#reader.advance(1)
      if (typeof message === 'object') messages.push(message)
    }
    this.set(INDEX.rspCons, cons + count)
    return messages
  }
}

export function request(type: number, payload: string, reqId = 0, txId = 0): Buffer {
  return encodeMessage({ type, reqId, txId, payload })
}

/** `TYPE#REQ_ID payload`, NULs as `|`. */
export function show({ type, reqId, payload }: XsMessage): string {
  return `${type}#${reqId} ${payload.replaceAll('\0', '|')}`
}
