/** Frames of a network as a capture file of libpcap, for clients that take the connection for themselves. */
import type { Duplex } from 'node:stream'
import type { Network, Networks } from '@paravane/dev-net'

/** `/capture/NETWORK`, or `/capture/NETWORK/PORT`; `?snap=BYTES` of each frame at most. */
const PATH = /^\/capture\/([^/?]+)(?:\/([^/?]+))?(?:\?snap=([0-9]{1,6}))?$/

export class Captures {
  #networks: Networks | undefined

  readonly take = (networks: Networks): void => {
    this.#networks = networks
  }

  list(): readonly Network[] {
    return this.#networks?.list() ?? []
  }

  /** @returns whether the client has its capture */
  start(url: string, client: Duplex): boolean {
    const [, name = '', port, snap] = PATH.exec(url) ?? []
    const network = this.list().find((network) => network.name === name)
    if (network === undefined) return false
    const isThere = port === undefined || network.facts().ports.some(({ name }) => name === port)
    if (!isThere) return false
    client.write(UPGRADED)
    const { end } = network.capture(client, { port, ...(snap === undefined ? {} : { snapLength: Number(snap) }) })
    client.on('close', end)
    client.on('end', () => client.end())
    // What it may say is nothing to us, but its end is.
    client.resume()
    return true
  }
}

/** Answers a request for a stream. */
export const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: paravane\r\n\r\n'
