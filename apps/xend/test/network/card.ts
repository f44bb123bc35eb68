/** A network card for tests: it speaks just enough of ARP, DHCP, UDP and ICMP to see what a network does for a guest. */
import { type Frame, NO_OFFLOADS, type PortOwner, type SwitchPort } from '@paravane/dev-net'

type Address = readonly number[]

const TYPE_ARP = 0x0806
const TYPE_IPV4 = 0x0800
const ICMP = 1
const UDP = 17
const WAIT_MS = 5000
const COOKIE = [0x63, 0x82, 0x53, 0x63]
const [OPTION_ROUTER, OPTION_DNS, OPTION_SERVER, OPTION_TYPE, OPTION_ADDRESS, OPTION_END] = [3, 6, 54, 53, 50, 255]

export const address = (text: string): Address => text.split('.').map(Number)
const dotted = (bytes: Uint8Array): string => [...bytes].join('.')
const be16 = (value: number): number[] => [value >>> 8, value & 0xff]

export interface Lease {
  readonly address: string
  readonly router: string
  readonly dns: string
}

export interface Datagram {
  readonly from: string
  readonly fromPort: number
  readonly port: number
  readonly text: string
}

export class Card implements PortOwner {
  readonly offloads = NO_OFFLOADS
  readonly mac: Uint8Array
  ip = '0.0.0.0'
  port: SwitchPort | undefined
  readonly #neighbours = new Map<string, Uint8Array>()
  readonly #listeners = new Set<(frame: Buffer) => void>()

  constructor(mac: Uint8Array) {
    this.mac = mac
  }

  receive({ bytes }: Frame): boolean {
    const frame = Buffer.from(bytes)
    const isQuestion = frame.readUInt16BE(12) === TYPE_ARP && frame.readUInt16BE(20) === 1
    if (isQuestion && dotted(frame.subarray(38, 42)) === this.ip) {
      const asker = frame.subarray(22, 32)
      setImmediate(() =>
        this.#send(asker.subarray(0, 6), TYPE_ARP, [...ARP_HEAD, 2, ...this.mac, ...address(this.ip), ...asker]),
      )
    }
    for (const listener of this.#listeners) listener(frame)
    return true
  }

  flush(): void {}
  resume(): void {}

  /** @returns the address that answers; undefined if nobody does */
  async arp(ip: string, waitMs: number = WAIT_MS): Promise<Uint8Array | undefined> {
    const reply = this.#next((frame) => {
      const isReply = frame.readUInt16BE(12) === TYPE_ARP && frame.readUInt16BE(20) === 2
      return isReply && dotted(frame.subarray(28, 32)) === ip ? Uint8Array.from(frame.subarray(22, 28)) : undefined
    }, waitMs)
    this.#send(EVERYBODY, TYPE_ARP, [
      ...ARP_HEAD,
      1,
      ...this.mac,
      ...address(this.ip),
      0,
      0,
      0,
      0,
      0,
      0,
      ...address(ip),
    ])
    return reply
  }

  /** Asks for an address and takes it. */
  async dhcp(): Promise<Lease> {
    const offer = await this.#dhcp([OPTION_TYPE, 1, 1])
    const server = offer.options.get(OPTION_SERVER) ?? []
    const ack = await this.#dhcp([OPTION_TYPE, 1, 3, OPTION_ADDRESS, 4, ...offer.yours, OPTION_SERVER, 4, ...server])
    this.ip = ack.yours.join('.')
    const named = (option: number): string => (ack.options.get(option) ?? []).join('.')
    return { address: this.ip, router: named(OPTION_ROUTER), dns: named(OPTION_DNS) }
  }

  async udp(to: string, port: number, payload: string | Uint8Array, router = '10.0.2.2'): Promise<void> {
    await this.#ip(to, router, UDP, [
      ...be16(4321),
      ...be16(port),
      ...be16(8 + payload.length),
      0,
      0,
      ...Buffer.from(payload),
    ])
  }

  /** The next datagram, whoever sends it. */
  async datagram(): Promise<Datagram | undefined> {
    return this.#next((frame) => {
      if (frame.readUInt16BE(12) !== TYPE_IPV4 || frame[23] !== UDP) return undefined
      const end = 34 + frame.readUInt16BE(38)
      const text = frame.subarray(42, end).toString('latin1')
      return {
        from: dotted(frame.subarray(26, 30)),
        fromPort: frame.readUInt16BE(34),
        port: frame.readUInt16BE(36),
        text,
      }
    })
  }

  /** @returns whether an echo came back */
  async ping(to: string, router = '10.0.2.2', waitMs = 2000): Promise<boolean> {
    const echo = this.#next((frame) => {
      const isEcho = frame.readUInt16BE(12) === TYPE_IPV4 && frame[23] === ICMP && frame[34] === 0
      return isEcho && dotted(frame.subarray(26, 30)) === to ? true : undefined
    }, waitMs)
    const body = [8, 0, 0, 0, 0, 7, 0, 1, ...Buffer.from('paravane')]
    body.splice(2, 2, ...be16(checksum(body)))
    await this.#ip(to, router, ICMP, body)
    return (await echo) ?? false
  }

  async #ip(to: string, router: string, protocol: number, payload: readonly number[]): Promise<void> {
    const next = to.startsWith('10.0.2.') ? to : router
    const mac = this.#neighbours.get(next) ?? (await this.arp(next))
    if (mac === undefined) throw new Error(`nobody has ${next}`)
    this.#neighbours.set(next, mac)
    this.#send(mac, TYPE_IPV4, this.#packet(to, protocol, payload))
  }

  #packet(to: string, protocol: number, payload: readonly number[]): number[] {
    const header = [
      0x45,
      0,
      ...be16(20 + payload.length),
      0,
      1,
      0,
      0,
      64,
      protocol,
      0,
      0,
      ...address(this.ip),
      ...address(to),
    ]
    header.splice(10, 2, ...be16(checksum(header)))
    return [...header, ...payload]
  }

  async #dhcp(options: readonly number[]): Promise<{ yours: number[]; options: ReadonlyMap<number, number[]> }> {
    const reply = this.#next((frame) => {
      const isReply = frame.readUInt16BE(12) === TYPE_IPV4 && frame[23] === UDP && frame.readUInt16BE(36) === 68
      return isReply ? frame.subarray(42) : undefined
    })
    const head = [
      1,
      1,
      6,
      0,
      0,
      0,
      0x12,
      0x34,
      0,
      0,
      0x80,
      0,
      ...new Array(16).fill(0),
      ...this.mac,
      ...new Array(202).fill(0),
    ]
    const message = [...head, ...COOKIE, ...options, OPTION_END]
    const padded = [...message, ...new Array(300 - message.length).fill(0)]
    const datagram = [...be16(68), ...be16(67), ...be16(8 + padded.length), 0, 0, ...padded]
    this.#send(EVERYBODY, TYPE_IPV4, this.#packet('255.255.255.255', UDP, datagram))
    const found = await reply
    if (found === undefined) throw new Error('no DHCP server answers')
    return { yours: [...found.subarray(16, 20)], options: optionsOf(found.subarray(240)) }
  }

  #send(to: Uint8Array, type: number, payload: readonly number[]): void {
    const bytes = Uint8Array.from([...to, ...this.mac, ...be16(type), ...payload])
    this.port?.send({ bytes, checksum: 'unknown', gso: undefined })
    this.port?.flush()
  }

  #next<T>(find: (frame: Buffer) => T | undefined, waitMs: number = WAIT_MS): Promise<T | undefined> {
    return new Promise((resolve) => {
      const end = (found: T | undefined): void => {
        this.#listeners.delete(listener)
        clearTimeout(timer)
        resolve(found)
      }
      const listener = (frame: Buffer): void => {
        const found = find(frame)
        if (found !== undefined) end(found)
      }
      const timer = setTimeout(() => end(undefined), waitMs)
      this.#listeners.add(listener)
    })
  }
}

const ARP_HEAD = [0, 1, 8, 0, 6, 4, 0] as const
const EVERYBODY = new Uint8Array(6).fill(0xff)

function optionsOf(bytes: Buffer): ReadonlyMap<number, number[]> {
  const options = new Map<number, number[]>()
  for (
    let at = 0;
    at < bytes.length && bytes[at] !== OPTION_END;
    at += bytes[at] === 0 ? 1 : 2 + (bytes[at + 1] as number)
  ) {
    if (bytes[at] !== 0)
      options.set(bytes[at] as number, [...bytes.subarray(at + 2, at + 2 + (bytes[at + 1] as number))])
  }
  return options
}

function checksum(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
