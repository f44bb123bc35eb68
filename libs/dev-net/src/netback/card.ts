import type { DeviceNodes } from '@paravane/core'
import { formatMac } from '../mac-address.ts'
import type { Network, Networks, PortOptions, PortOwner, SwitchPort } from '../switch/port.ts'
import { formatRate } from '../vif/rate.ts'
import { FIXED, isFixed } from '../vif/vif-change.ts'
import type { VifSpec } from '../vif/vif-spec.ts'

export interface CardInit {
  readonly networks: Networks
  readonly spec: VifSpec
  readonly mac: Uint8Array
  readonly devid: number
  readonly domid: number
  readonly domainName: string
  readonly owner: PortOwner
}

/** What a card is plugged into, and how. */
export class Card {
  /** As the guest was told. */
  readonly mtu: number
  readonly #init: CardInit
  #spec: VifSpec
  #network: Network
  #port: SwitchPort
  #isUp = false

  constructor(init: CardInit, network: Network, port: SwitchPort) {
    this.#init = init
    this.#spec = init.spec
    this.#network = network
    this.#port = port
    this.mtu = init.spec.mtu ?? network.mtu
  }

  /** @throws CodedError of the network, with nothing left behind */
  static async plug(init: CardInit): Promise<Card> {
    const network = init.networks.find(init.spec.bridge)
    return new Card(init, network, await network.plug(portOptions(init, init.spec), init.owner))
  }

  get port(): SwitchPort {
    return this.#port
  }

  get networkName(): string {
    return this.#network.name
  }

  get mac(): string {
    return formatMac(this.address)
  }

  get address(): Uint8Array {
    return this.#init.mac
  }

  /** Whether the guest listens. */
  setLink(up: boolean): void {
    this.#isUp = up
    this.#port.setLink(up)
  }

  /** As it was asked for, with the network that it is plugged into. */
  get spec(): VifSpec {
    return { ...this.#spec, bridge: this.#network.name }
  }

  /** Plugs it into the network that the other is to be in, or changes what its port does. @throws CodedError with nothing changed */
  async change(spec: VifSpec): Promise<void> {
    const { networks, owner } = this.#init
    const fixed = FIXED.find((key) => spec[key] !== undefined && String(spec[key]) !== String(this.#now(key)))
    if (fixed !== undefined) throw isFixed(fixed)
    const network = networks.find(spec.bridge)
    const options = portOptions(this.#init, spec)
    if (network === this.#network) {
      await this.#port.reconfigure(options)
    } else {
      const old = this.#port
      this.#port = await network.plug(options, owner)
      this.#network = network
      this.#port.setLink(this.#isUp)
      await old.close()
    }
    this.#spec = spec
  }

  /** Keys of its folder of the back end that the configuration decides: those of xend and libxl, and our own. */
  get nodes(): DeviceNodes {
    const { ips, rate, vlan, trunk, spoofGuard, script, vifname, model } = this.#spec
    return {
      bridge: this.#network.name,
      ...(ips.length === 0 ? {} : { ip: ips.join(' ') }),
      ...(rate === undefined ? {} : { rate: formatRate(rate) }),
      ...(vlan === undefined ? {} : { vlan }),
      ...(trunk === undefined ? {} : { trunk: trunk.join('/') }),
      ...(spoofGuard ? { spoofguard: 1 } : {}),
      ...(script === undefined ? {} : { script }),
      ...(vifname === undefined ? {} : { vifname }),
      ...(model === undefined ? {} : { model }),
    }
  }

  close(): Promise<void> {
    return this.#port.close()
  }

  #now(key: (typeof FIXED)[number]): unknown {
    return key === 'trusted'
      ? this.#init.spec.trusted
      : { mac: this.#init.mac, mtu: this.mtu, devid: this.#init.devid }[key]
  }
}

function portOptions({ mac, devid, domid, domainName }: CardInit, spec: VifSpec): PortOptions {
  const { vlan, trunk, rate, spoofGuard, ips, forwards } = spec
  return {
    name: `vif${domid}.${devid}`,
    domainName,
    mac,
    ...(vlan === undefined ? {} : { vlan }),
    ...(trunk === undefined ? {} : { trunk }),
    ...(rate === undefined ? {} : { rate }),
    spoofGuard,
    ips,
    forwards,
  }
}
