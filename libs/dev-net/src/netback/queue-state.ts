import {
  type LockOwner,
  RING_INDICES,
  type SharedLayout,
  SharedLock,
  SharedMemory,
  sharedLayout,
  sharedSize,
} from '@paravane/core'
import { DESTINATION, SOURCE, word } from '../switch/ethernet.ts'
import type { Offloads } from '../switch/frame.ts'
import type { LaneCount } from '../switch/lane.ts'
import { QUEUES_MAX } from './front-keys.ts'
import { RingLock } from './ring-lock.ts'

/** Addresses that a queue's frames may go straight to. */
const ROUTES = 8
const OFFLOADS = ['checksumV4', 'checksumV6', 'gsoV4', 'gsoV6'] as const

const routeFields = {
  /** The destination: its first two bytes, and the other four. */
  high: 'i32',
  low: 'i32',
  /** Ports of domain 0 for the receive rings there, by flow; none: the route is closed. */
  count: 'i32',
  ports: ['i32', QUEUES_MAX],
  /** ns of the host's clock. */
  until: 'i64',
} as const
const ROUTE: SharedLayout<typeof routeFields> = sharedLayout(routeFields)
const fields = {
  txLock: 'i32',
  rxLock: 'i32',
  /** Of BackRings. */
  txIndices: ['i32', RING_INDICES],
  rxIndices: ['i32', RING_INDICES],
  /** The rings are not to be used any more. */
  isOver: 'i32',
  /** Frames wait in domain 0 for room in the receive ring, and others may not overtake them. */
  waits: 'i32',
  /** Bits by {@link OFFLOADS}. */
  offloads: 'i32',
  /** The card's address. */
  macHigh: 'i32',
  macLow: 'i32',
  /** There are routes. */
  hasRoutes: 'i32',
  /** Which route is the next to be overwritten. */
  next: 'i32',
  /** Packets that were wrong. */
  errors: 'i32',
  routes: [ROUTE as typeof ROUTE, ROUTES],
  /** What pCPUs have passed on from the transmit ring, and to the receive ring. */
  sentFrames: 'i64',
  sentBytes: 'i64',
  receivedFrames: 'i64',
  receivedBytes: 'i64',
} as const
const STATE: SharedLayout<typeof fields> = sharedLayout(fields)

/** What domain 0 and the pCPUs that serve a pair of rings have in common, as one thread reaches it. */
export class QueueState {
  readonly buffer: SharedArrayBuffer
  readonly txIndices: Int32Array
  readonly rxIndices: Int32Array
  /** Of the transmit ring, and of the routes. A receive ring's may be taken with it held, never the other way round. */
  readonly tx: RingLock
  /** Of the receive ring. */
  readonly rx: RingLock
  readonly #memory: SharedMemory

  constructor(owner: LockOwner, buffer: SharedArrayBuffer = new SharedArrayBuffer(sharedSize(STATE))) {
    this.buffer = buffer
    this.#memory = new SharedMemory(buffer)
    this.tx = new RingLock(new SharedLock(this.#memory, STATE.txLock, 0, owner))
    this.rx = new RingLock(new SharedLock(this.#memory, STATE.rxLock, 0, owner))
    this.txIndices = new Int32Array(buffer, STATE.txIndices.offset, RING_INDICES)
    this.rxIndices = new Int32Array(buffer, STATE.rxIndices.offset, RING_INDICES)
  }

  /** Before pCPUs have it. */
  describe(mac: Uint8Array, offloads: Offloads): void {
    STATE.macHigh.store(this.#memory, 0, word(mac, 0))
    STATE.macLow.store(this.#memory, 0, lowOf(mac, 0))
    const bits = OFFLOADS.reduce((all, name, bit) => all | (offloads[name] ? 1 << bit : 0), 0)
    STATE.offloads.store(this.#memory, 0, bits)
  }

  get offloads(): Offloads {
    const bits = STATE.offloads.load(this.#memory, 0)
    const has = (name: (typeof OFFLOADS)[number]): boolean => (bits & (1 << OFFLOADS.indexOf(name))) !== 0
    return { checksumV4: has('checksumV4'), checksumV6: has('checksumV6'), gsoV4: has('gsoV4'), gsoV6: has('gsoV6') }
  }

  /** No pCPU begins anything with the rings any more. */
  halt(): void {
    STATE.isOver.store(this.#memory, 0, 1)
  }

  /** When it returns none is at it either. */
  end(): void {
    this.halt()
    this.tx.with(() => this.rx.with(() => {}))
  }

  get isOver(): boolean {
    return STATE.isOver.load(this.#memory, 0) !== 0
  }

  set waits(waits: boolean) {
    STATE.waits.store(this.#memory, 0, waits ? 1 : 0)
  }

  get waits(): boolean {
    return STATE.waits.load(this.#memory, 0) !== 0
  }

  countError(): void {
    STATE.errors.add(this.#memory, 0, 1)
  }

  get errors(): number {
    return STATE.errors.load(this.#memory, 0)
  }

  /** Frames to the destination of `frame` go to these ports until then. */
  openRoute(frame: Uint8Array, ports: readonly number[], until: bigint): void {
    this.tx.with(() => {
      const memory = this.#memory
      let route = this.#find(frame)
      if (route === undefined) route = this.#route(STATE.next.add(memory, 0, 1) & (ROUTES - 1))
      ROUTE.high.store(memory, route, word(frame, DESTINATION))
      ROUTE.low.store(memory, route, lowOf(frame, DESTINATION))
      ROUTE.until.store(memory, route, until)
      ROUTE.count.store(memory, route, ports.length)
      for (const [n, port] of ports.entries()) ROUTE.ports.store(memory, route, port, n)
      STATE.hasRoutes.store(memory, 0, 1)
    })
  }

  /** When it returns no pCPU passes anything on. */
  closeRoutes(): void {
    this.tx.with(() => {
      STATE.hasRoutes.store(this.#memory, 0, 0)
      for (let n = 0; n < ROUTES; n++) ROUTE.count.store(this.#memory, this.#route(n), 0)
    })
  }

  get hasRoutes(): boolean {
    return STATE.hasRoutes.load(this.#memory, 0) !== 0
  }

  /** ns until when the destination of `frame` has a route; 0 if it has none. */
  routeEnds(frame: Uint8Array): bigint {
    const route = this.#find(frame)
    return route === undefined ? 0n : ROUTE.until.load(this.#memory, route)
  }

  /**
   * Port for an untagged frame from the card's own address; -1 if it has no route. With `tx` held.
   * @param flow picks one of several
   */
  portFor(frame: Uint8Array, now: bigint, flow: (frame: Uint8Array) => number): number {
    const memory = this.#memory
    const isOwn =
      word(frame, SOURCE) === STATE.macHigh.load(memory, 0) && lowOf(frame, SOURCE) === STATE.macLow.load(memory, 0)
    const route = isOwn ? this.#find(frame) : undefined
    if (route === undefined || ROUTE.until.load(memory, route) <= now) return -1
    const count = ROUTE.count.load(memory, route)
    return ROUTE.ports.load(memory, route, count > 1 ? flow(frame) % count : 0)
  }

  countSent(bytes: number): void {
    STATE.sentFrames.add(this.#memory, 0, 1n)
    STATE.sentBytes.add(this.#memory, 0, BigInt(bytes))
  }

  countReceived(bytes: number): void {
    STATE.receivedFrames.add(this.#memory, 0, 1n)
    STATE.receivedBytes.add(this.#memory, 0, BigInt(bytes))
  }

  get sent(): LaneCount {
    return { frames: this.#count(STATE.sentFrames), bytes: this.#count(STATE.sentBytes) }
  }

  get received(): LaneCount {
    return { frames: this.#count(STATE.receivedFrames), bytes: this.#count(STATE.receivedBytes) }
  }

  #count(field: typeof STATE.sentFrames): number {
    return Number(field.load(this.#memory, 0))
  }

  #route(n: number): number {
    return STATE.routes.at(0, n)
  }

  /** The open route for a frame's destination. */
  #find(frame: Uint8Array): number | undefined {
    const high = word(frame, DESTINATION)
    const low = lowOf(frame, DESTINATION)
    for (let n = 0; n < ROUTES; n++) {
      const route = this.#route(n)
      const isIt = ROUTE.low.load(this.#memory, route) === low && ROUTE.high.load(this.#memory, route) === high
      if (isIt && ROUTE.count.load(this.#memory, route) > 0) return route
    }
    return undefined
  }
}

/** The last four bytes of the address at `at`. */
function lowOf(bytes: Uint8Array, at: number): number {
  return (word(bytes, at + 2) << 16) | word(bytes, at + 4)
}
