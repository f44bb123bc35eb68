import { readSync, readvSync, writeSync, writevSync } from 'node:fs'
import { type BackRing, type InlineHost, type InlinePart, type InlineService, inlineRing } from '@paravane/core'
import { BLKIF_OP_READ, BLKIF_OP_WRITE, BLKIF_RSP_OKAY } from '@paravane/core/abi'
import { fits } from './fits.ts'
import { GuestPages } from './guest-pages.ts'
import { QueueState } from './queue-state.ts'
import { RingAnswer } from './ring-answer.ts'
import { ENTRY_BYTES, RingEntry } from './ring-entry.ts'
import { Transfer } from './transfer.ts'

/** Segments of a request, beyond which another thread copies while the guest goes on. */
const SEGMENTS = 8
/** A call that takes longer has waited for the medium, ns ... */
const SLOW = 500_000n
/** ... and for so many times as long the file is left to domain 0: what waits costs a pCPU no more than a twentieth of its time. */
const REST = 20n

/** Of a ring: what a back end in domain 0 gives the pCPUs. */
export interface InlineRing {
  readonly state: SharedArrayBuffer
  /** Frames of the ring's pages, which domain 0 keeps mapped. */
  readonly gmfns: readonly number[]
}

export const inlineQueues: InlinePart = {
  open: (shared, host) => new InlineQueue(shared as InlineRing, host),
}

/**
 * A ring as a pCPU serves it: small reads and writes of a file that the host has in its page cache. It does each before it takes the next, so
 * that none is under way when it lets go of the ring; what it does not do it leaves in the ring for domain 0.
 */
class InlineQueue implements InlineService {
  readonly #host: InlineHost
  readonly #state: QueueState
  readonly #ring: BackRing
  readonly #pages: GuestPages
  readonly #entry = new RingEntry()
  readonly #answer = new RingAnswer()

  constructor({ state, gmfns }: InlineRing, host: InlineHost) {
    this.#host = host
    this.#state = new QueueState(host.owner, state)
    this.#ring = inlineRing(host, gmfns, ENTRY_BYTES, this.#state.indices)
    this.#pages = new GuestPages(host)
  }

  serve(): boolean {
    let isDone = false
    const isFree = this.#state.ifFree(() => {
      isDone = this.#serve()
    })
    if (isFree && this.#state.takeWanted()) this.#host.tellDom0()
    return isDone
  }

  #serve(): boolean {
    const begin = this.#host.clock.now()
    if (this.#state.fd < 0 || begin < this.#state.slowUntil) return false
    const isDone = this.#take()
    if (this.#ring.publish()) this.#host.notify()
    const took = this.#host.clock.now() - begin
    if (took > SLOW) this.#state.slowUntil = begin + REST * took
    return isDone
  }

  /** At most a ring of them: a guest that adds some without end must not keep the pCPU. @returns whether nothing is left */
  #take(): boolean {
    for (let left = this.#ring.size; left > 0; ) {
      const waiting = this.#ring.waiting()
      // The index is impossible: domain 0 says so.
      if (waiting === undefined) return false
      if (waiting === 0) {
        if (this.#ring.sleep()) return true
        continue
      }
      left--
      this.#ring.take(this.#entry.bytes)
      if (this.#do()) continue
      this.#ring.putBack()
      return false
    }
    return false
  }

  /** @returns false, with nothing done that may not be done again, if the request is domain 0's */
  #do(): boolean {
    const entry = this.#entry
    const { operation, segments } = entry
    const reads = operation === BLKIF_OP_READ
    if (!(reads || operation === BLKIF_OP_WRITE) || segments === 0 || segments > SEGMENTS) return false
    const { fd, readonly } = this.#state
    if (fd < 0 || (!reads && readonly)) return false
    const transfer = new Transfer(entry)
    if (!transfer.take(entry, this.#pages, !reads)) return false
    const { offset, length, views } = transfer
    const isDone = fits(this.#state, offset, length) && move(reads, fd, offset, views) === length
    // Also of what failed: nothing is known of what it has written.
    if (reads) transfer.landed(this.#host)
    transfer.release(this.#pages)
    if (!isDone) return false
    this.#state.count(reads, length)
    this.#answer.put(this.#ring, transfer, BLKIF_RSP_OKAY)
    return true
  }
}

/** @returns how many bytes were moved; what goes wrong is for domain 0 to tell of, which tries again */
function move(reads: boolean, fd: number, offset: number, views: readonly Uint8Array[]): number {
  const [view] = views
  try {
    if (view === undefined || views.length > 1) return (reads ? readvSync : writevSync)(fd, views, offset)
    if (reads) return readSync(fd, view, 0, view.length, offset)
    return writeSync(fd, view, 0, view.length, offset)
  } catch {
    return -1
  }
}
