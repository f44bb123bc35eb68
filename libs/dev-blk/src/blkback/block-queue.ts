import {
  BackRing,
  type DeviceHost,
  type DevicePort,
  type Disk,
  DOM0_OWNER,
  FrontendError,
  type MappedGrant,
  mapRing,
} from '@paravane/core'
import { BLKIF_OP_READ, BLKIF_RSP_EOPNOTSUPP, BLKIF_RSP_ERROR, BLKIF_RSP_OKAY } from '@paravane/core/abi'
import { MAX_PERSISTENT, PERSISTENT_PER_RING_PAGE } from './features.ts'
import type { QueueOffer } from './front-offer.ts'
import { GuestPages } from './guest-pages.ts'
import type { InlineRing } from './inline-queue.ts'
import { answerTo, OPERATIONS, type Work } from './operations.ts'
import { QueueState } from './queue-state.ts'
import type { RequestGate } from './request-gate.ts'
import { RingAnswer } from './ring-answer.ts'
import { ENTRY_BYTES, RingEntry } from './ring-entry.ts'
import { Transfer } from './transfer.ts'

/**
 * Turns of the event loop in which a ring with several requests under way is looked at without being told. An event costs the guest a hypercall and
 * its pCPU a wake-up of this thread; what the page cache has is done in fewer turns.
 */
const LOOKS = 10

/** The device that a ring belongs to. */
export interface QueueDevice {
  readonly host: DeviceHost
  readonly gate: RequestGate
  /** What is behind it at this moment; none in an empty tray. */
  readonly disk: Disk | undefined
  /** Writes are to be answered when they are flushed. */
  readonly writesThrough: boolean
  /** The storage has done a request. */
  done(operation: number, bytes: number): void
  /** The storage could not do a request. */
  failed(operation: number, error: unknown): void
}

/** One ring of a front end: takes its requests, and answers each when it is done. The guest's pCPUs may serve it, too: see InlineQueue. */
export class BlockQueue {
  readonly pages: GuestPages
  /** What pCPUs have of it. */
  readonly state: QueueState = new QueueState(DOM0_OWNER)
  readonly ringPages: number
  readonly #device: QueueDevice
  readonly #ring: BackRing
  readonly #mapped: readonly MappedGrant[]
  readonly #port: DevicePort
  readonly #entry = new RingEntry()
  readonly #response = new RingAnswer()
  /** Done, and not in the ring yet. */
  readonly #done: Transfer[] = []
  /** Of a run that is to be repeatable: all that are not answered, in their order. */
  readonly #order: Transfer[] = []
  /** Taken here, and not done. */
  #underWay = 0
  #taking = false
  /** Turns left in which it looks by itself. */
  #looks = 0
  #lookSoon = false
  #publishSoon = false
  #stopped = false
  #closed = false

  /** @throws FrontendError with nothing held */
  constructor(device: QueueDevice, offer: QueueOffer, persistent: boolean) {
    const { host } = device
    this.#device = device
    this.ringPages = offer.refs.length
    this.#mapped = mapRing(host, offer.refs)
    this.#ring = new BackRing(this.#mapped, ENTRY_BYTES, this.state.indices)
    const limit = Math.min(this.ringPages * PERSISTENT_PER_RING_PAGE, MAX_PERSISTENT)
    this.pages = new GuestPages(host, persistent ? limit : 0)
    const shared: InlineRing = { state: this.state.buffer, gmfns: this.#mapped.map(({ gmfn }) => gmfn) }
    const port = host.bindPort(offer.port, () => this.poke(), { part: 'vbd', shared })
    if (typeof port === 'number') {
      for (const page of this.#mapped) page.release()
      throw new FrontendError(`it offers no port ${offer.port} to domain 0 (error ${port})`)
    }
    this.#port = port
  }

  /** Takes what waits. @returns of a repeatable run: when what it asked for is done */
  poke(): Promise<void> | undefined {
    if (this.#stopped) return undefined
    const { gate, host } = this.#device
    this.state.ifFreeOrLater(() => {
      this.#taking = true
      this.#take()
      this.#taking = false
      this.#publish()
    })
    return host.repeatable ? gate.idle() : undefined
  }

  /** Takes no more requests. */
  stop(): void {
    this.#stopped = true
    this.#port.close()
  }

  /** Lets go of the guest's pages. Nothing is under way any more. */
  close(): void {
    this.state.ifFree(() => this.#publish())
    this.#closed = true
    this.pages.close()
    for (const page of this.#mapped) page.release()
  }

  /** At most a ring of them: a guest that adds some without end must not keep domain 0. */
  #take(): void {
    const { gate, host } = this.#device
    for (let left = this.#ring.size; gate.isOpen; ) {
      const waiting = this.#ring.waiting()
      if (waiting === undefined) {
        this.stop()
        host.frontFailed('its ring says that there are more requests than it has room for')
        return
      }
      if (waiting === 0) {
        if (this.#looksAgain() || this.#ring.sleep()) return
      } else if (left-- === 0) {
        host.defer(() => void this.poke())
        return
      } else {
        this.#looks = LOOKS
        this.#ring.take(this.#entry.bytes)
        this.#begin(this.#entry)
      }
    }
  }

  /**
   * While it does, the guest is not asked for an event; in a repeatable run it always is. A guest that waits for each request has nothing more to
   * say, and on a busy host the turns would be taken from who does its request.
   */
  #looksAgain(): boolean {
    const { host } = this.#device
    if (host.repeatable || this.#underWay < 2 || this.#looks === 0) return false
    if (this.#lookSoon) return true
    this.#looks--
    this.#lookSoon = true
    host.defer(() => {
      this.#lookSoon = false
      void this.poke()
    })
    return true
  }

  #begin(entry: RingEntry): void {
    const { disk, host, writesThrough } = this.#device
    this.#underWay++
    const transfer = new Transfer(entry)
    if (host.repeatable) this.#order.push(transfer)
    const operation = OPERATIONS[transfer.operation]
    const work =
      operation === undefined
        ? BLKIF_RSP_EOPNOTSUPP
        : disk === undefined
          ? BLKIF_RSP_ERROR
          : operation({ disk, entry, transfer, pages: this.pages, writesThrough })
    if (typeof work === 'number') this.#answer(transfer, work)
    else this.#do(transfer, work)
  }

  #do(transfer: Transfer, { run, alone }: Work): void {
    const { gate } = this.#device
    if (!alone) gate.enter()
    const work = alone ? gate.alone(run) : begun(run)
    const end = (error: unknown): void => {
      // Nothing is known of what a read that failed has written.
      if (transfer.operation === BLKIF_OP_READ) transfer.landed(this.#device.host)
      transfer.release(this.pages)
      if (!alone) gate.leave()
      if (error === undefined) this.#device.done(transfer.operation, transfer.length)
      else this.#device.failed(transfer.operation, error)
      this.#answer(transfer, error === undefined ? BLKIF_RSP_OKAY : answerTo(transfer, error))
    }
    work
      .then(() => end(undefined), end)
      .catch((bug: unknown) =>
        this.#device.host.defer(() => {
          throw bug
        }),
      )
  }

  #answer(transfer: Transfer, status: number): void {
    transfer.status = status
    if (this.#device.host.repeatable) {
      while (this.#order[0]?.status !== undefined) this.#done.push(this.#order.shift() as Transfer)
    } else this.#done.push(transfer)
    this.#underWay--
    if (this.#taking || this.#publishSoon) return
    if (this.#underWay === 0) this.state.ifFreeOrLater(() => this.#publish())
    else {
      // Others may end in the same turn of the event loop.
      this.#publishSoon = true
      this.#device.host.defer(() => {
        this.#publishSoon = false
        this.state.ifFreeOrLater(() => this.#publish())
      })
    }
  }

  /** With the ring held. */
  #publish(): void {
    if (this.#closed) return
    for (const transfer of this.#done.splice(0)) {
      this.#response.put(this.#ring, transfer, transfer.status ?? BLKIF_RSP_ERROR)
    }
    if (this.#ring.publish()) this.#port.notify()
  }
}

/** As its promise, also if it fails at once. */
function begun(run: () => Promise<void>): Promise<void> {
  try {
    return run()
  } catch (error) {
    return Promise.reject(error)
  }
}
