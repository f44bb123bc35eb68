import { Finisher } from '../offload/finish.ts'
import { announcement } from './announcement.ts'
import { BridgePort, type PortPlace } from './bridge-port.ts'
import { DESTINATION, isGroup, SOURCE } from './ethernet.ts'
import type { Frame } from './frame.ts'
import { MacTable } from './mac-table.ts'
import type { PortOptions, PortOwner } from './port.ts'
import type { SwitchTime } from './switch-time.ts'
import { FrameForms } from './vlans.ts'

const NS_PER_S = 1e9
/** Frames that are sent while another is being delivered wait, so many of them. */
const NESTED_MAX = 1024

/** Sees frames as they came in: lent, like any frame. */
export type FrameTap = (bytes: Uint8Array) => void

/** A learning switch (IEEE 802.1D and 802.1Q, without spanning tree). */
export class Bridge {
  readonly #time: SwitchTime
  readonly #ports: BridgePort[] = []
  readonly #byNumber = new Map<number, BridgePort>()
  readonly #table = new MacTable()
  readonly #finisher = new Finisher()
  readonly #taps = new Set<FrameTap>()
  /** Ports that were given frames since the last flush. */
  readonly #touched = new Set<BridgePort>()
  /** Frames that owners sent while they were given one. */
  #nested: { readonly from: BridgePort; readonly frame: Frame }[] = []
  #delivering = false
  /** Some were opened since all were closed. */
  #hasLanes = false
  #nextNumber = 0

  constructor(time: SwitchTime) {
    this.#time = time
  }

  get ports(): readonly BridgePort[] {
    return this.#ports
  }

  /** Addresses it has learnt. */
  get addresses(): number {
    return this.#table.size(this.#second(Number(this.#time.clock.now())))
  }

  /** @throws CodedError about the options */
  plug(options: PortOptions, owner: PortOwner, place: Partial<Omit<PortPlace, 'number'>> = {}): BridgePort {
    const { allVlans = false, guest, macs = [] } = place
    const number = this.#nextNumber++
    const port = new BridgePort(this, options, owner, this.#time, { number, allVlans, guest, macs })
    if (guest === undefined) this.#ports.push(port)
    else guest.gateway = port
    this.#byNumber.set(number, port)
    return port
  }

  unplug(port: BridgePort): void {
    this.#byNumber.delete(port.number)
    this.#touched.delete(port)
    const at = this.#ports.indexOf(port)
    if (at >= 0) this.#ports.splice(at, 1)
    if (port.guest?.gateway === port) port.guest.gateway = undefined
  }

  /** @returns ends it */
  tap(tap: FrameTap): () => void {
    this.#taps.add(tap)
    this.closeLanes()
    return () => void this.#taps.delete(tap)
  }

  /** Keeps a frame for later if another is being delivered: nobody is given a frame while he sends one. @returns false if none is */
  defer(from: BridgePort, frame: Frame): boolean {
    if (!this.#delivering) return false
    if (this.#nested.length === 0) setImmediate(() => this.#sendNested())
    if (this.#nested.length < NESTED_MAX)
      this.#nested.push({ from, frame: { ...frame, bytes: new Uint8Array(frame.bytes) } })
    return true
  }

  /** The one port that a frame goes to; undefined if it goes to none or to several. */
  destination(from: BridgePort, bytes: Uint8Array, vlan: number, now: number): BridgePort | undefined {
    if (from.guest !== undefined) return from.guest
    if (isGroup(bytes, DESTINATION)) return undefined
    const { gateway } = from
    if (gateway?.isAt(bytes, DESTINATION)) return gateway
    return this.#byNumber.get(this.#table.find(bytes, DESTINATION, vlan, this.#second(now)))
  }

  /** @param to of `destination` */
  forward(from: BridgePort, frame: Frame, vlan: number, to: BridgePort | undefined, now: number): void {
    const isNew =
      from.guest === undefined && this.#table.learn(frame.bytes, SOURCE, vlan, from.number, this.#second(now))
    // It may have been elsewhere.
    if (isNew) this.closeLanes()
    this.#delivering = true
    try {
      for (const tap of this.#taps) tap(frame.bytes)
      if (to === undefined) this.#flood(from, frame, vlan, now)
      else if (to !== from) {
        this.#deliver(from, to, frame, new FrameForms(frame.bytes, vlan), vlan)
        this.#openLane(from, to, frame, vlan)
      }
    } finally {
      this.#delivering = false
    }
  }

  flush(): void {
    if (this.#delivering || this.#touched.size === 0) return
    this.#delivering = true
    try {
      for (const port of this.#touched) port.showFrames()
    } finally {
      this.#touched.clear()
      this.#delivering = false
    }
  }

  /** Everybody hears that the port's address is there, as does what is behind other ports. */
  announce(port: BridgePort): void {
    if (port.guest !== undefined) return
    const frame = { bytes: announcement(port.options.mac), checksum: 'unknown', gso: undefined } as const
    const vlan = port.vlans.classify(frame.bytes)
    this.forward(port, frame, vlan, undefined, Number(this.#time.clock.now()))
    this.flush()
  }

  /** The port's addresses are not known any more. */
  forget(port: BridgePort): void {
    this.#table.forget(port.number)
  }

  /** Before anything changes for frames that go by lanes. */
  closeLanes(): void {
    if (!this.#hasLanes) return
    this.#hasLanes = false
    for (const port of this.#ports) port.closeLane()
  }

  #openLane(from: BridgePort, to: BridgePort, frame: Frame, vlan: number): void {
    const other = to.lane
    const isUntagged = from.vlans.form(vlan) === 'untagged' && to.vlans.form(vlan) === 'untagged'
    const lane = other !== undefined && isUntagged && this.#taps.size === 0 ? from.lane : undefined
    if (lane === undefined || other === undefined) return
    this.#hasLanes = true
    lane.open(other, frame.bytes)
  }

  #flood(from: BridgePort, frame: Frame, vlan: number, now: number): void {
    if (!from.mayFlood(this.#ports.length, now)) return
    const forms = new FrameForms(frame.bytes, vlan)
    for (const port of this.#ports) if (port !== from && port.up) this.#deliver(from, port, frame, forms, vlan)
    if (from.gateway?.up && isGroup(frame.bytes, DESTINATION)) this.#deliver(from, from.gateway, frame, forms, vlan)
  }

  #deliver(from: BridgePort, to: BridgePort, frame: Frame, forms: FrameForms, vlan: number): void {
    const form = formBetween(from, to, vlan)
    if (form === undefined) return
    const bytes = forms.get(form)
    this.#touched.add(to)
    const shown = bytes === frame.bytes ? frame : { ...frame, bytes }
    this.#finisher.finish(shown, to.offloads, (finished) => to.deliver(finished))
  }

  #sendNested(): void {
    const waiting = this.#nested
    this.#nested = []
    // Who sent them was told that they were taken: what has no room now is dropped.
    for (const { from, frame } of waiting) from.send(frame)
    this.flush()
  }

  #second(now: number): number {
    return Math.floor(now / NS_PER_S)
  }
}

/** A guest and its own gateway speak without tags, in whichever VLAN the guest is. */
function formBetween(from: BridgePort, to: BridgePort, vlan: number): 'tagged' | 'untagged' | undefined {
  if (from.guest !== undefined) return 'untagged'
  if (to.guest === undefined) return to.vlans.form(vlan)
  return from.vlans.form(vlan) === 'untagged' ? 'untagged' : undefined
}
