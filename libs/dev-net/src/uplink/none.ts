import { CodedError } from '@paravane/core'
import type { PortOptions } from '../switch/port.ts'
import type { NetworkUplinkModel } from './network-uplink.ts'

/** Ethernet's. */
const MTU = 1500

/** From guest to guest only. */
export const noUplink: NetworkUplinkModel = {
  keys: [],
  async open({ name }) {
    return {
      mtu: MTU,
      async attach({ options }) {
        refuseForwards(name, options)
        return { reconfigure: async (changed) => refuseForwards(name, changed), close: async () => {} }
      },
      facts: () => ({}),
      close: async () => {},
    }
  },
}

/** @throws CodedError if a guest asks for ports of the host, which only NAT has. */
export function refuseForwards(network: string, { forwards }: PortOptions): void {
  if (forwards.length === 0) return
  const text = `network ${network} has no port forwards; plug the guest into a network with uplink "nat", or leave forward= out`
  throw new CodedError({ code: 'NETWORK_FORWARD', network }, text)
}
