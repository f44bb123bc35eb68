/** A stream of lines, one for each time that something changed; many changes between two of them are one. */
import type { ServerResponse } from 'node:http'

export class Changes {
  readonly #listeners = new Set<ServerResponse>()
  #pending = false

  listen(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    this.#listeners.add(response)
    response.on('close', () => this.#listeners.delete(response))
    this.#tell(response)
  }

  /** Tells everybody, once for all of the same turn. */
  happened(): void {
    if (this.#pending) return
    this.#pending = true
    setImmediate(() => {
      this.#pending = false
      for (const response of this.#listeners) this.#tell(response)
    })
  }

  /** One that does not read has what it needs to know already. */
  #tell(response: ServerResponse): void {
    if (!response.writableNeedDrain) response.write('{"event":"changed"}\n')
  }
}
