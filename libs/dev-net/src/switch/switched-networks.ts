import { CodedError } from '@paravane/core'
import type { NetworkUplinkModel } from '../uplink/network-uplink.ts'
import { isNetworkName, type NetworkDefinition, type NetworksConfig } from './network-config.ts'
import type { Networks } from './port.ts'
import type { SwitchTime } from './switch-time.ts'
import { SwitchedNetwork } from './switched-network.ts'

export interface SwitchedNetworksInit {
  readonly config: NetworksConfig
  readonly uplinks: ReadonlyMap<string, NetworkUplinkModel>
  readonly time: SwitchTime
}

/** The networks that are defined, and plain bridges of any other name, which are there when they are asked for. */
export class SwitchedNetworks implements Networks {
  readonly #init: SwitchedNetworksInit
  readonly #networks = new Map<string, SwitchedNetwork>()

  /** @throws CodedError about a definition */
  constructor(init: SwitchedNetworksInit) {
    this.#init = init
    for (const definition of init.config.networks) this.#define(definition)
  }

  find(name: string = this.#init.config.default): SwitchedNetwork {
    const network = this.#networks.get(name)
    if (network !== undefined) return network
    if (!isNetworkName(name)) {
      const text = `"${name}" is no name of a network; use up to 64 letters, digits and . : - _`
      throw new CodedError({ code: 'NETWORK_NAME', name }, text)
    }
    return this.#define({ name })
  }

  list(): readonly SwitchedNetwork[] {
    return [...this.#networks.values()]
  }

  async stop(): Promise<void> {
    for (const network of this.list()) await network.close()
  }

  #define({ name, uplink = 'none', mtu, ...config }: NetworkDefinition): SwitchedNetwork {
    const { uplinks, time } = this.#init
    const { warn } = this.#init.config
    const model = uplinks.get(uplink)
    const there = [...uplinks.keys()].join(', ')
    if (model === undefined) {
      throw new CodedError(
        { code: 'UPLINK_UNKNOWN', name },
        `network ${name}: uplink "${uplink}" is unknown; there are: ${there}`,
      )
    }
    for (const key of Object.keys(config)) {
      if (model.keys.includes(key)) continue
      const known = ['name', 'uplink', 'mtu', ...model.keys].join(', ')
      throw new CodedError(
        { code: 'NETWORK_KEY', name },
        `network ${name}: "${key}" is unknown; with uplink "${uplink}": ${known}`,
      )
    }
    const openUplink = (network: Parameters<typeof model.open>[0]) => model.open(network, config)
    const network = new SwitchedNetwork({ name, model: uplink, mtu, time, openUplink, warn })
    this.#networks.set(name, network)
    return network
  }
}
