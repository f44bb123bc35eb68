import { CodedError } from '@paravane/core'
import { formatMac } from '../mac-address.ts'
import { formatIpv4, parseIpv4 } from '../switch/ipv4-address.ts'

/** As QEMU's user network has them: the gateway, its DNS and the first guest. */
const GATEWAY = 2
const DNS = 3
const FIRST_GUEST = 15
const LONGEST_PREFIX = 27
const SHORTEST_PREFIX = 8
const SUBNET = /^([\d.]+)\/(\d{1,2})$/

/** Who has which address in a network behind NAT. A card keeps the address it was given for as long as the network is there. */
export class NatAddresses {
  readonly gateway: string
  readonly dns: string
  readonly subnet: string
  readonly prefix: number
  readonly #base: number
  readonly #given = new Map<string, number>()
  readonly #network: string

  /** @throws CodedError about `subnet`; @param network its name */
  constructor(network: string, subnet: string) {
    const [, base, prefix] = SUBNET.exec(subnet) ?? []
    this.prefix = Number(prefix)
    if (base === undefined || this.prefix < SHORTEST_PREFIX || this.prefix > LONGEST_PREFIX)
      throw this.#wrong(network, subnet)
    const address = parseIpv4(base)
    this.#base = (address & (-1 << (32 - this.prefix))) >>> 0
    if (this.#base !== address) throw this.#wrong(network, subnet)
    this.#network = network
    this.subnet = subnet
    this.gateway = this.#at(GATEWAY)
    this.dns = this.#at(DNS)
  }

  get mask(): string {
    return formatIpv4((-1 << (32 - this.prefix)) >>> 0)
  }

  /** The addresses that the gateway answers for: Ethernet's, as QEMU's user network makes them, and IP's. */
  get gatewayMacs(): readonly Uint8Array[] {
    return [GATEWAY, DNS].map((host) => Uint8Array.from([0x52, 0x55, ...this.#at(host).split('.').map(Number)]))
  }

  /**
   * The address of a card.
   * @param ip what it asks for
   * @throws CodedError if that is not of the subnet or another has it, or there are no more
   */
  give(mac: Uint8Array, ip: string | undefined): string {
    const card = formatMac(mac)
    const host = ip === undefined ? (this.#given.get(card) ?? this.#free()) : this.#named(ip, card)
    this.#given.set(card, host)
    return this.#at(host)
  }

  #named(ip: string, card: string): number {
    const host = parseIpv4(ip) - this.#base
    const owner = [...this.#given].find(([other, has]) => has === host && other !== card)
    const text =
      host <= DNS || host >= this.#hosts - 1
        ? `ip=${ip} is none of network ${this.#network}; take one from ${this.#at(DNS + 1)} to ${this.#at(this.#hosts - 2)}, or leave ip= out`
        : owner && `ip=${ip} is that of the card ${owner[0]}; take another, or leave ip= out`
    if (text === undefined) return host
    throw new CodedError({ code: 'NAT_ADDRESS', ip }, text)
  }

  #free(): number {
    const taken = new Set(this.#given.values())
    for (let host = FIRST_GUEST; host < this.#hosts - 1; host++) if (!taken.has(host)) return host
    throw new CodedError(
      { code: 'NAT_ADDRESS', ip: '' },
      `network ${this.#network} has no more addresses; give it a larger subnet than ${this.subnet}`,
    )
  }

  get #hosts(): number {
    return 2 ** (32 - this.prefix)
  }

  #at(host: number): string {
    return formatIpv4(this.#base + host)
  }

  #wrong(network: string, subnet: string): Error {
    return new CodedError(
      { code: 'NAT_SUBNET', subnet },
      `network ${network}: subnet "${subnet}" must be the first address of a network and its length, from /${SHORTEST_PREFIX} to /${LONGEST_PREFIX}, such as 10.0.2.0/24`,
    )
  }
}
