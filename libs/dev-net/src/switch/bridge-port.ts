import type { Bridge, FrameTap } from './bridge.ts'
import { Credit } from './credit.ts'
import { HEADER_BYTES, isGroup, SOURCE, sameMac } from './ethernet.ts'
import { FRAME_MAX, type Frame } from './frame.ts'
import type { Lane, LaneCount } from './lane.ts'
import type { PortCounters, PortOptions, PortOwner, SwitchPort } from './port.ts'
import { SpoofGuard } from './spoof-guard.ts'
import type { SwitchTime } from './switch-time.ts'
import { PortVlans } from './vlans.ts'

/** How many copies of flooded frames a port may cause: so many in a window of 50 ms. What is more is dropped. */
export const FLOOD_COPIES = { bytes: 2500, intervalUs: 50_000 } as const
/** How long others wait for a busy port before what is sent to it is dropped. */
const BUSY_NS = 200e6
const NONE: LaneCount = { frames: 0, bytes: 0 }

/** What sets ports of one bridge apart, beyond {@link PortOptions}. */
export interface PortPlace {
  /** Number in the bridge. */
  readonly number: number
  /** All VLANs go in and out by it, tagged: it leads out of the host. */
  readonly allVlans: boolean
  /** It is seen by this guest's port only: a gateway of its own. */
  readonly guest: BridgePort | undefined
  /** The addresses that the guest reaches it by. */
  readonly macs: readonly Uint8Array[]
}

/** One port of a bridge. */
export class BridgePort implements SwitchPort {
  readonly number: number
  readonly guest: BridgePort | undefined
  readonly #macs: readonly Uint8Array[]
  /** The guest's own gateway, if it has one. */
  gateway: BridgePort | undefined
  #options: PortOptions
  readonly #bridge: Bridge
  readonly #owner: PortOwner
  readonly #time: SwitchTime
  readonly #allVlans: boolean
  #vlans: PortVlans
  #guard: SpoofGuard | undefined
  #credit: Credit | undefined
  #floods: Credit
  #up = false
  #closed = false
  #stopWaiting: (() => void) | undefined
  /** Ports that wait until this one is no longer busy. */
  readonly #waiters = new Set<BridgePort>()
  #stopHolding: (() => void) | undefined
  /** It was waited for in vain. */
  #stuck = false
  readonly #taps = new Set<FrameTap>()
  readonly #counts = { rxBytes: 0, rxFrames: 0, rxDropped: 0, txBytes: 0, txFrames: 0, txDropped: 0 }

  /** @throws CodedError about the options */
  constructor(bridge: Bridge, options: PortOptions, owner: PortOwner, time: SwitchTime, place: PortPlace) {
    this.#bridge = bridge
    this.#owner = owner
    this.#time = time
    this.#allVlans = place.allVlans
    this.number = place.number
    this.guest = place.guest
    this.#macs = place.macs
    this.#options = options
    this.#vlans = this.#vlansOf(options)
    this.#floods = new Credit(FLOOD_COPIES, this.#now())
    this.#apply(options)
  }

  get options(): PortOptions {
    return this.#options
  }

  get vlans(): PortVlans {
    return this.#vlans
  }

  get offloads(): PortOwner['offloads'] {
    return this.#owner.offloads
  }

  get up(): boolean {
    return this.#up && !this.#closed
  }

  /** Its owner's, while there is nothing to do here for frames that go in and out untagged. */
  get lane(): Lane | undefined {
    const isPlain = this.up && this.guest === undefined && this.#taps.size === 0
    return isPlain && this.#guard === undefined && this.#credit === undefined ? this.#owner.lane : undefined
  }

  closeLane(): void {
    this.#owner.lane?.close()
  }

  /** Whether it answers to the address at `at`. */
  isAt(bytes: Uint8Array, at: number): boolean {
    return this.#macs.some((mac) => sameMac(bytes, at, mac))
  }

  send(frame: Frame): boolean {
    const { bytes } = frame
    if (!this.up || this.#bridge.defer(this, frame)) return true
    if (bytes.length < HEADER_BYTES || bytes.length > FRAME_MAX || isGroup(bytes, SOURCE)) return this.#refuse()
    const vlan = this.#vlans.classify(bytes)
    if (vlan < 0 || !(this.#guard?.admits(bytes) ?? true)) return this.#refuse()
    const now = this.#now()
    const to = this.#bridge.destination(this, bytes, vlan, now)
    if (to?.hold(this)) return false
    if (this.#credit !== undefined && !this.#credit.take(bytes.length, now)) return this.#awaitCredit(now)
    this.#counts.rxFrames++
    this.#counts.rxBytes += bytes.length
    for (const tap of this.#taps) tap(bytes)
    this.#bridge.forward(this, frame, vlan, to, now)
    return true
  }

  flush(): void {
    this.#bridge.flush()
  }

  /** Shows what goes in and out by this port. @returns ends it */
  tap(tap: FrameTap): () => void {
    this.#taps.add(tap)
    this.#bridge.closeLanes()
    return () => void this.#taps.delete(tap)
  }

  /** Whether a flood of so many copies may be made. */
  mayFlood(copies: number, now: number): boolean {
    if (this.#floods.take(copies, now)) return true
    this.#counts.rxDropped++
    return false
  }

  /** A frame as it leaves by this port. @returns whether it was taken */
  deliver(frame: Frame): boolean {
    const taken = this.up && this.#owner.receive(frame)
    if (taken) {
      this.#counts.txFrames++
      this.#counts.txBytes += frame.bytes.length
      for (const tap of this.#taps) tap(frame.bytes)
    } else this.#counts.txDropped++
    return taken
  }

  showFrames(): void {
    if (this.up) this.#owner.flush()
  }

  /** Whether `sender` is to wait until this port has room. */
  hold(sender: BridgePort): boolean {
    // A guest's own gateway has nobody else to send to, and may wait for ever.
    const isPatient = sender.guest === this
    if ((this.#stuck && !isPatient) || !this.up || this.#owner.busy !== true) return false
    this.#waiters.add(sender)
    if (isPatient) return true
    this.#stopHolding ??= this.#time.after(BUSY_NS, () => {
      this.#stuck = true
      this.#release()
    })
    return true
  }

  ready(): void {
    this.#stuck = false
    this.#release()
  }

  setLink(up: boolean): void {
    if (this.#closed) return
    this.#up = up
    this.#bridge.closeLanes()
    if (up) this.#bridge.announce(this)
    else this.#bridge.forget(this)
    if (!up) this.ready()
  }

  async reconfigure(options: PortOptions): Promise<void> {
    // Whatever may fail is made before anything is changed.
    const vlans = this.#vlansOf(options)
    const isElsewhere = options.vlan !== this.#options.vlan || String(options.mac) !== String(this.#options.mac)
    this.#vlans = vlans
    this.#apply(options)
    if (isElsewhere && this.up) {
      this.#bridge.forget(this)
      this.#bridge.announce(this)
    }
  }

  counters(): PortCounters {
    const { lane } = this.#owner
    const { sent, received } = lane ?? { sent: NONE, received: NONE }
    const { rxFrames, rxBytes, txFrames, txBytes, ...dropped } = this.#counts
    return {
      ...dropped,
      rxFrames: rxFrames + sent.frames,
      rxBytes: rxBytes + sent.bytes,
      txFrames: txFrames + received.frames,
      txBytes: txBytes + received.bytes,
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.setLink(false)
    this.#closed = true
    this.#stopWaiting?.()
    this.#bridge.unplug(this)
  }

  #vlansOf({ vlan, trunk }: PortOptions): PortVlans {
    return new PortVlans(vlan, this.#allVlans ? 'all' : trunk)
  }

  #apply(options: PortOptions): void {
    const { mac, ips, rate, spoofGuard } = options
    this.#options = options
    this.#guard = spoofGuard ? new SpoofGuard(mac, ips) : undefined
    this.#credit = rate && new Credit(rate, this.#now())
    this.#bridge.closeLanes()
    this.#endWait()
  }

  #refuse(): boolean {
    this.#counts.rxDropped++
    return true
  }

  #awaitCredit(now: number): boolean {
    const wait = (this.#credit as Credit).wait(now)
    this.#stopWaiting ??= this.#time.after(wait, () => {
      this.#stopWaiting = undefined
      this.#owner.resume()
    })
    return false
  }

  /** There may be credit at once, or none is needed any more. */
  #endWait(): void {
    if (this.#stopWaiting === undefined) return
    this.#stopWaiting()
    this.#stopWaiting = this.#time.after(0, () => {
      this.#stopWaiting = undefined
      this.#owner.resume()
    })
  }

  #release(): void {
    this.#stopHolding?.()
    this.#stopHolding = undefined
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.resume()
  }

  /** What it waited for may be over. */
  resume(): void {
    if (!this.#closed) this.#owner.resume()
  }

  #now(): number {
    return Number(this.#time.clock.now())
  }
}
