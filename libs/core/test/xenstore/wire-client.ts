import * as wire from '../../src/abi/io/xs-wire.ts'
import { encodeMessage, type XsMessage } from '../../src/xenstore/message.ts'

/** One end of a stream of xenstore's messages. */
export interface Stream {
  send(bytes: Uint8Array): void
  /** What has come, at least one message; undefined if none comes any more: the stream is closed, or all is silent. */
  receive(): Promise<readonly XsMessage[] | undefined>
  /** Ends it; the server has noticed when this is done. */
  end(): Promise<void>
}

/** Asks one thing after the other, and keeps the watch events that come in between. */
export class WireClient {
  readonly #stream: Stream
  readonly #answers: XsMessage[] = []
  #events: string[] = []
  #requests = 0

  constructor(stream: Stream) {
    this.#stream = stream
  }

  /** The answer; undefined if there is none. @throws Error if it is not the answer to this request */
  async ask(type: number, txId: number, payload: string): Promise<XsMessage | undefined> {
    const reqId = ++this.#requests
    this.#stream.send(encodeMessage({ type, reqId, txId, payload }))
    const answer = await this.#answer()
    if (answer === undefined) return undefined
    const fits = answer.reqId === reqId && answer.txId === txId && [type, wire.XS_ERROR].includes(answer.type)
    if (!fits) throw new Error(`${type}#${reqId}.${txId} is answered by ${answer.type}#${answer.reqId}.${answer.txId}`)
    return answer
  }

  /** Events that came before the answer to a request made now, as `PATH TOKEN`. */
  async events(): Promise<readonly string[]> {
    await this.ask(wire.XS_GET_DOMAIN_PATH, 0, '0\0')
    return this.#events.splice(0)
  }

  leave(): Promise<void> {
    return this.#stream.end()
  }

  async #answer(): Promise<XsMessage | undefined> {
    while (this.#answers.length === 0) {
      const messages = await this.#stream.receive()
      if (messages === undefined) return undefined
      for (const message of messages) {
        if (message.type === wire.XS_WATCH_EVENT) this.#events.push(eventText(message))
        else this.#answers.push(message)
      }
    }
    return this.#answers.shift()
  }
}

function eventText({ reqId, txId, payload }: XsMessage): string {
  const parts = payload.split('\0')
  if (reqId !== 0 || txId !== 0 || parts.length !== 3 || parts[2] !== '') throw new Error(`a torn event: ${parts}`)
  return `${parts[0]} ${parts[1]}`
}
