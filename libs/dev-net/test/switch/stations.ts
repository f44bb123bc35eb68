/** A network of stations for tests: each keeps what it is given; time is turned by hand. */
import type { Clock } from '@paravane/core'
import { Bridge } from '../../src/switch/bridge.ts'
import type { BridgePort, PortPlace } from '../../src/switch/bridge-port.ts'
import { type Frame, NO_OFFLOADS, type Offloads } from '../../src/switch/frame.ts'
import type { PortOptions } from '../../src/switch/port.ts'
import type { SwitchTime } from '../../src/switch/switch-time.ts'

export class HandTime implements SwitchTime {
  #now = 0n
  readonly #tasks = new Map<symbol, { readonly at: bigint; readonly task: () => void }>()
  readonly clock: Clock = { now: () => this.#now, tsc: () => this.#now, tscHz: 1e9, epoch: 1_700_000_000_000_000_000n }

  after(ns: number, task: () => void): () => void {
    const key = Symbol()
    this.#tasks.set(key, { at: this.#now + BigInt(Math.ceil(ns)), task })
    return () => void this.#tasks.delete(key)
  }

  /** Lets time pass, and what is due happen at its moment. */
  pass(ns: number): void {
    const end = this.#now + BigInt(ns)
    for (;;) {
      const due = [...this.#tasks].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => Number(a.at - b.at))
      const [first] = due
      if (first === undefined) break
      this.#tasks.delete(first[0])
      if (first[1].at > this.#now) this.#now = first[1].at
      first[1].task()
    }
    this.#now = end
  }
}

export const mac = (n: number): Uint8Array => Uint8Array.of(0, 0x16, 0x3e, n >>> 16, n >>> 8, n)
export const EVERYBODY: Uint8Array = new Uint8Array(6).fill(0xff)

/** A frame with `text` in it, of an experimental type; with a tag if `vlan` is given. */
export function frame(from: Uint8Array, to: Uint8Array, text = 'hello', vlan?: number): Frame {
  const tag = vlan === undefined ? [] : [0x81, 0, vlan >> 8, vlan & 0xff]
  const bytes = Uint8Array.from([...to, ...from, ...tag, 0x88, 0xb5, ...Buffer.from(text)])
  return { bytes, checksum: 'unknown', gso: undefined }
}

export class Station {
  readonly mac: Uint8Array
  readonly port: BridgePort
  readonly received: Frame[] = []
  offloads: Offloads = NO_OFFLOADS
  busy = false
  resumed = 0
  flushed = 0
  /** Called with each frame. */
  answer: (frame: Frame) => void = () => {}

  constructor(bridge: Bridge, number: number, options: Partial<PortOptions>, place?: Partial<PortPlace>) {
    this.mac = mac(number)
    const base = { name: `vif${number}.0`, domainName: `guest${number}`, mac: this.mac }
    const port = bridge.plug({ ...base, spoofGuard: false, ips: [], forwards: [], ...options }, this, place)
    this.port = port
    port.setLink(true)
  }

  receive(frame: Frame): boolean {
    if (this.busy) return false
    this.received.push({ ...frame, bytes: frame.bytes.slice() })
    this.answer(frame)
    return true
  }

  flush(): void {
    this.flushed++
  }

  resume(): void {
    this.resumed++
  }

  send(to: Uint8Array, text?: string, vlan?: number): boolean {
    return this.port.send(frame(this.mac, to, text, vlan))
  }

  /** What it was given since the last call: `5>hello` is from station 5, `5#10>hello` had a tag of VLAN 10. */
  heard(): string[] {
    return this.received.splice(0).map(({ bytes }) => {
      const isTagged = bytes[12] === 0x81
      const tag = isTagged ? `#${((bytes[14] as number) << 8) | (bytes[15] as number)}` : ''
      return `${bytes[11]}${tag}>${Buffer.from(bytes.subarray(isTagged ? 18 : 14)).toString()}`
    })
  }
}

/** A bridge with stations 1, 2, ..., whose announcements are over. */
export function lan(...options: readonly Partial<PortOptions>[]): {
  bridge: Bridge
  time: HandTime
  stations: Station[]
} {
  const time = new HandTime()
  const bridge = new Bridge(time)
  const stations = options.map((each, i) => new Station(bridge, i + 1, each))
  for (const station of stations) station.received.length = 0
  return { bridge, time, stations }
}
