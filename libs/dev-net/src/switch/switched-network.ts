import type { Writable } from 'node:stream'
import { CodedError } from '@paravane/core'
import type { NetworkUplink, UplinkedNetwork } from '../uplink/network-uplink.ts'
import { Bridge } from './bridge.ts'
import type { BridgePort } from './bridge-port.ts'
import { PcapWriter } from './pcap.ts'
import type { Capture, CaptureOptions, Network, NetworkFacts, PortOptions, PortOwner, SwitchPort } from './port.ts'
import type { SwitchTime } from './switch-time.ts'

export interface SwitchedNetworkInit {
  readonly name: string
  /** Of its uplink. */
  readonly model: string
  /** What the definition says. */
  readonly mtu: number | undefined
  readonly time: SwitchTime
  /** Opens its uplink. @throws CodedError */
  readonly openUplink: (network: UplinkedNetwork) => Promise<NetworkUplink>
  readonly warn: (text: string) => void
}

/** For ports that are no guest's. */
const NO_MAC = new Uint8Array(6)
/** Until the uplink is open. */
const MTU = 1500

/** A bridge, and an uplink that is opened when the first guest is plugged in. */
export class SwitchedNetwork implements Network {
  readonly name: string
  readonly #init: SwitchedNetworkInit
  readonly #bridge: Bridge
  #opening: Promise<NetworkUplink> | undefined
  #uplink: NetworkUplink | undefined

  constructor(init: SwitchedNetworkInit) {
    this.name = init.name
    this.#init = init
    this.#bridge = new Bridge(init.time)
  }

  get mtu(): number {
    return this.#init.mtu ?? this.#uplink?.mtu ?? MTU
  }

  async plug(options: PortOptions, owner: PortOwner): Promise<SwitchPort> {
    const uplink = await this.#open()
    const port = this.#bridge.plug(options, owner)
    try {
      const guest = await uplink.attach({
        get options() {
          return port.options
        },
        gateway: (macs, gateway) =>
          this.#bridge.plug(sidePort(`${options.name}-gateway`), gateway, { guest: port, macs }),
      })
      return {
        send: (frame) => port.send(frame),
        flush: () => port.flush(),
        setLink: (up) => port.setLink(up),
        ready: () => port.ready(),
        counters: () => port.counters(),
        async reconfigure(changed) {
          const before = port.options
          await port.reconfigure(changed)
          await guest.reconfigure(changed).catch(async (error) => {
            await port.reconfigure(before)
            throw error
          })
        },
        async close() {
          await port.close()
          await guest.close()
        },
      }
    } catch (error) {
      await port.close()
      throw error
    }
  }

  facts(): NetworkFacts {
    const ports = this.#bridge.ports.map((port) => ({
      name: port.options.name,
      up: port.up,
      ...(port.options.vlan === undefined ? {} : { vlan: port.options.vlan }),
      ...port.counters(),
    }))
    const { name, model } = this.#init
    return { name, uplink: model, addresses: this.#bridge.addresses, ports, uplinkFacts: this.#uplink?.facts() ?? {} }
  }

  capture(to: Writable, { port, snapLength }: CaptureOptions = {}): Capture {
    const source = port === undefined ? this.#bridge : this.#portNamed(port)
    const pcap = new PcapWriter(to, this.#init.time.clock, snapLength)
    const end = source.tap((bytes) => pcap.write(bytes))
    return {
      end,
      get frames() {
        return pcap.frames
      },
      get lost() {
        return pcap.lost
      },
    }
  }

  async close(): Promise<void> {
    for (const port of [...this.#bridge.ports]) await port.close()
    const opening = this.#opening
    this.#opening = undefined
    await (await opening?.catch(() => undefined))?.close()
  }

  #portNamed(name: string): BridgePort {
    const port = this.#bridge.ports.find(({ options }) => options.name === name)
    if (port !== undefined) return port
    const known = this.#bridge.ports.map(({ options }) => options.name).join(', ') || 'none'
    throw new CodedError(
      { code: 'PORT_UNKNOWN', port: name },
      `network ${this.name} has no port ${name}; its ports: ${known}`,
    )
  }

  #open(): Promise<NetworkUplink> {
    const { warn, openUplink } = this.#init
    this.#opening ??= openUplink({
      name: this.name,
      plug: (name, owner) => this.#bridge.plug(sidePort(name), owner, { allVlans: true }),
      warn: (text) => warn(`network ${this.name}: ${text}`),
    }).then(
      (uplink) => {
        this.#uplink = uplink
        return uplink
      },
      (error) => {
        // The next guest tries again: the cause may be gone.
        this.#opening = undefined
        throw error
      },
    )
    return this.#opening
  }
}

function sidePort(name: string): PortOptions {
  return { name, domainName: 'Domain-0', mac: NO_MAC, spoofGuard: false, ips: [], forwards: [] }
}
