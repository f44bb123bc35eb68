import {
  type BackendDriver,
  CodedError,
  type DeviceHost,
  type DeviceNodes,
  type DeviceOwner,
  type OpenedDevice,
} from '@paravane/core'
import { defaultMac } from '../mac-address.ts'
import { type Frame, NO_OFFLOADS, type Offloads } from '../switch/frame.ts'
import type { Networks, PortOwner } from '../switch/port.ts'
import { readSpec } from '../vif/read-spec.ts'
import type { VifSpec } from '../vif/vif-spec.ts'
import { Card } from './card.ts'
import type { CardLane } from './card-lane.ts'
import { QUEUES_MAX } from './front-keys.ts'
import { Vif } from './vif.ts'

/** What our back end can do, as front ends look it up. */
const FEATURES: DeviceNodes = {
  'feature-rx-copy': 1,
  'feature-rx-flip': 0,
  'feature-sg': 1,
  'feature-gso-tcpv4': 1,
  'feature-gso-tcpv6': 1,
  'feature-ipv6-csum-offload': 1,
  'feature-multicast-control': 1,
  'feature-split-event-channels': 1,
  'multi-queue-max-queues': QUEUES_MAX,
}

/** Where the classic toolstack's scripts would be: tools look at the name. */
const SCRIPT = '/etc/xen/scripts/vif-bridge'

/** Back ends of type `vif`. */
export class VifDriver implements BackendDriver {
  readonly #networks: Networks

  constructor(networks: Networks) {
    this.#networks = networks
  }

  async open(config: unknown, owner: DeviceOwner): Promise<OpenedDevice> {
    const spec = readSpec(config)
    const { domid, domainName, domainUuid } = owner
    const devid = chooseNumber(spec, owner)
    const mac = spec.mac ?? defaultMac(domainUuid, devid)
    const plug = new Plug()
    const card = await Card.plug({ networks: this.#networks, spec, mac, devid, domid, domainName, owner: plug })
    const both = { handle: devid, mac: card.mac, mtu: card.mtu }
    return {
      devid,
      frontNodes: { ...both, ...(spec.trusted === undefined ? {} : { trusted: spec.trusted ? 1 : 0 }) },
      backNodes: {
        ...both,
        domain: domainName,
        type: 'vif',
        script: SCRIPT,
        ...card.nodes,
        ...FEATURES,
        'hotplug-status': 'connected',
      },
      start: (host: DeviceHost) => {
        plug.device = new Vif(host, card)
        return plug.device
      },
      close: () => card.close(),
    }
  }
}

/** The network's end of a card is there before the card is. */
class Plug implements PortOwner {
  device: Vif | undefined

  get offloads(): Offloads {
    return this.device?.offloads ?? NO_OFFLOADS
  }

  get busy(): boolean {
    return this.device?.busy ?? false
  }

  get lane(): CardLane | undefined {
    return this.device?.lane
  }

  receive(frame: Frame): boolean {
    return this.device?.receive(frame) ?? false
  }

  flush(): void {
    this.device?.flush()
  }

  resume(): void {
    this.device?.resume()
  }
}

function chooseNumber({ devid }: VifSpec, { taken, domainName }: DeviceOwner): number {
  if (devid === undefined) {
    let free = 0
    while (taken.has(free)) free++
    return free
  }
  if (!taken.has(devid)) return devid
  const text = `domain ${domainName} has a vif ${devid}: leave devid out, or choose another`
  throw new CodedError({ code: 'VIF_TAKEN', devid }, text)
}
