import { type Frame, NO_OFFLOADS, type Offloads } from '../../src/switch/frame.ts'
import type {
  Capture,
  Network,
  NetworkFacts,
  Networks,
  PortCounters,
  PortOptions,
  PortOwner,
  SwitchPort,
} from '../../src/switch/port.ts'

/** A network that notes what is done to it, and has room as it is told. */
export class NotingNetwork implements Network, Networks {
  readonly name: string
  readonly mtu: number
  /** Frames that were sent, as copies. */
  sent: Frame[] = []
  /** What was done otherwise, in order. */
  calls: string[] = []
  hasRoom = true
  /** Called with each frame that was taken. */
  onSend: (() => void) | undefined
  owner: PortOwner | undefined
  options: PortOptions | undefined
  others: readonly NotingNetwork[] = []

  constructor(name = 'xenbr0', mtu = 1500) {
    this.name = name
    this.mtu = mtu
  }

  async plug(options: PortOptions, owner: PortOwner): Promise<SwitchPort> {
    this.options = options
    this.owner = owner
    this.calls.push(`plug ${options.name}`)
    return {
      send: (frame) => {
        if (this.hasRoom) this.sent.push({ ...frame, bytes: frame.bytes.slice() })
        if (this.hasRoom) this.onSend?.()
        return this.hasRoom
      },
      flush: () => {},
      ready: () => void this.calls.push('ready'),
      setLink: (up) => void this.calls.push(up ? 'up' : 'down'),
      reconfigure: async (changed) => {
        this.options = changed
        this.calls.push('reconfigure')
      },
      counters: (): PortCounters => ({
        rxBytes: 0,
        rxFrames: this.sent.length,
        rxDropped: 0,
        txBytes: 0,
        txFrames: 0,
        txDropped: 0,
      }),
      close: async () => void this.calls.push('close'),
    }
  }

  get offloads(): Offloads {
    return this.owner?.offloads ?? NO_OFFLOADS
  }

  find(name: string | undefined): Network {
    const found = [this, ...this.others].find((network) => network.name === (name ?? this.name))
    if (found === undefined) throw new Error(`no network ${name}`)
    return found
  }

  facts(): NetworkFacts {
    throw new Error('nobody lists it')
  }

  capture(): Capture {
    throw new Error('nobody captures it')
  }

  list(): readonly Network[] {
    return [this, ...this.others]
  }

  /** Gives the guest a frame, as a batch of its own. @returns whether it was taken */
  give(bytes: Uint8Array, more: Partial<Frame> = {}): boolean {
    const taken = this.owner?.receive({ bytes, checksum: 'unknown', gso: undefined, ...more }) ?? false
    this.owner?.flush()
    return taken
  }
}
