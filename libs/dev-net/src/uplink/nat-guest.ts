import type { Duplex } from 'node:stream'
import { CodedError, type HostProgram } from '@paravane/core'
import { HEADER_BYTES, MAC_BYTES, TYPE, TYPE_ARP, word } from '../switch/ethernet.ts'
import { parseIpv4, readIpv4 } from '../switch/ipv4-address.ts'
import type { PortOptions, SwitchPort } from '../switch/port.ts'
import { nameServerInDhcp } from './dhcp-names.ts'
import { HelperProcess } from './helper-process.ts'
import type { NatAddresses } from './nat-addresses.ts'
import { checkForwards, type NatHelper, type NatPlan } from './nat-helpers.ts'
import type { GuestPort, GuestUplink } from './network-uplink.ts'
import { plainWire, StreamEnd } from './stream-end.ts'

/** How long a helper may take until it answers. */
const START_MS = 20_000
/** Of ARP (RFC 826): request, reply; and where the address is that is asked for. */
const REQUEST = 1
const REPLY = 2
const OPERATION = HEADER_BYTES + 6
const TARGET_IP = HEADER_BYTES + 24
const ARP_BYTES = HEADER_BYTES + 28

export interface NatGuestInit {
  readonly network: string
  readonly helper: NatHelper
  readonly program: HostProgram
  readonly addresses: NatAddresses
  readonly restrict: boolean
  readonly warn: (text: string) => void
}

/** A helper of one guest: its gateway to what the host can reach. */
export class NatGuest implements GuestUplink {
  readonly #init: NatGuestInit
  readonly #port: SwitchPort
  readonly #end: StreamEnd
  readonly #answerable: ReadonlySet<number>
  readonly #nameServer: number
  #options: PortOptions
  #process: HelperProcess | undefined
  #answered: () => void = () => {}
  #up = false

  constructor(init: NatGuestInit, guest: GuestPort) {
    const { addresses } = init
    this.#init = init
    this.#options = guest.options
    this.#answerable = new Set([addresses.gateway, addresses.dns].map(parseIpv4))
    this.#nameServer = parseIpv4(addresses.dns)
    // Both helpers take TCP packets of any length, whatever the guest's MTU is.
    this.#end = new StreamEnd(plainWire(true, true), {
      out: (bytes) => this.#isForIt(bytes),
      in: (bytes) => this.#isNews(bytes),
    })
    this.#port = guest.gateway(addresses.gatewayMacs, this.#end)
    this.#end.plug(this.#port)
  }

  get up(): boolean {
    return this.#up
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** @throws CodedError if the helper does not work with what the guest asks for */
  async start(): Promise<void> {
    const { network, addresses, helper, program, restrict, warn } = this.#init
    const { forwards, mac, ips, domainName } = this.#options
    checkForwards(network, forwards)
    const address = addresses.give(
      mac,
      ips.find((ip) => !ip.includes(':')),
    )
    const plan: NatPlan = { addresses, address, forwards, restrict }
    const process = new HelperProcess({
      program,
      args: helper.args(plan),
      ignored: helper.ignored,
      started: (stream) => this.#connect(stream, address),
      ended: (why) => {
        this.#setUp(false)
        warn(`${helper.program} of ${domainName} has ended and is started again: ${why}`)
      },
      back: () => warn(`${helper.program} of ${domainName} works again`),
    })
    this.#process = process
    try {
      await process.start()
    } catch (cause) {
      const ports = forwards.map(({ protocol, hostPort }) => `${protocol} ${hostPort}`).join(', ')
      const remedy = ports === '' ? 'see that it works on this host' : `see whether another program has ${ports}`
      const text = `network ${network}: ${helper.program}: ${(cause as Error).message}; ${remedy}`
      throw new CodedError({ code: 'NAT_HELPER', network }, text, { cause })
    }
  }

  async reconfigure(options: PortOptions): Promise<void> {
    const before = this.#options
    const same = (key: 'mac' | 'ips' | 'forwards'): boolean =>
      JSON.stringify(options[key]) === JSON.stringify(before[key])
    this.#options = options
    if (same('mac') && same('ips') && same('forwards')) return
    await this.#stop()
    try {
      await this.start()
    } catch (error) {
      this.#options = before
      await this.start()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#stop()
    await this.#port.close()
  }

  async #stop(): Promise<void> {
    this.#setUp(false)
    await this.#process?.stop()
  }

  #setUp(up: boolean): void {
    this.#up = up
    this.#port.setLink(up)
    if (!up) this.#end.disconnect()
  }

  /** It works when it answers for the gateway's address. */
  async #connect(stream: Duplex, address: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => reject(new Error(`it says nothing for ${START_MS / 1000} s`)), START_MS)
    this.#answered = resolve
    this.#end.connect(stream, (why) => this.#init.warn(`${this.#init.helper.program} is cut off: ${why}`))
    this.#end.receive({ bytes: this.#question(address), checksum: 'unknown', gso: undefined })
    this.#end.flush()
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#answered = () => {}
    }
    this.#setUp(true)
  }

  /** As the guest asks for its gateway; passt learns from it where the guest is. */
  #question(address: string): Uint8Array {
    const { addresses } = this.#init
    const bytes = new Uint8Array(60).fill(0xff, 0, MAC_BYTES)
    const ip = (text: string): number[] => text.split('.').map(Number)
    const arp = [0, 1, 8, 0, MAC_BYTES, 4, 0, REQUEST, ...this.#options.mac, ...ip(address), 0, 0, 0, 0, 0, 0]
    bytes.set([...this.#options.mac, TYPE_ARP >> 8, TYPE_ARP & 0xff, ...arp, ...ip(addresses.gateway)], MAC_BYTES)
    return bytes
  }

  /** Helpers may answer ARP for every address: they are asked for their own only, so that guests find each other. */
  #isForIt(bytes: Uint8Array): boolean {
    if (word(bytes, TYPE) !== TYPE_ARP) return true
    return bytes.length >= ARP_BYTES && this.#answerable.has(readIpv4(bytes, TARGET_IP))
  }

  #isNews(bytes: Uint8Array): boolean {
    nameServerInDhcp(bytes, this.#nameServer)
    if (this.#up || bytes.length < ARP_BYTES || word(bytes, TYPE) !== TYPE_ARP) return true
    if (word(bytes, OPERATION) === REPLY) this.#answered()
    return false
  }
}
