import { connect, type Socket } from 'node:net'
import { MessageReader, type XsMessage } from '../../src/xenstore/message.ts'
import type { Stream } from './wire-client.ts'

/** A program of the host at xenstore's socket. */
export class SocketStream implements Stream {
  readonly socket: Socket
  readonly #reader = new MessageReader()
  #got: XsMessage[] = []
  #closed = false
  #heard = (): void => {}

  constructor(path: string) {
    this.socket = connect(path)
    this.socket.on('data', (bytes) => {
      this.#reader.read(bytes, (message) => this.#got.push(message))
      this.#heard()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.#closed = true
      this.#heard()
    })
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  async receive(): Promise<readonly XsMessage[] | undefined> {
    while (this.#got.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
    return this.#got.length === 0 ? undefined : this.#got.splice(0)
  }

  async end(): Promise<void> {
    this.socket.end()
    while (!this.#closed) await this.receive()
  }
}
