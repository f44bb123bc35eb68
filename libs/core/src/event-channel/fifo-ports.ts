import {
  EVTCHN_FIFO_BUSY,
  EVTCHN_FIFO_LINK_MASK,
  EVTCHN_FIFO_LINKED,
  EVTCHN_FIFO_MASKED,
  EVTCHN_FIFO_PENDING,
  EVTCHN_FIFO_PRIORITY_DEFAULT,
  evtchn_fifo_control_block,
} from '../abi/event-channel.ts'
import { offsetof } from '../abi/struct.ts'
import type { GuestDomain } from '../domain/domain.ts'
import { CHANNEL, DOMAIN, VCPU } from '../domain/domain-state.ts'
import { type LockOwner, SharedLock } from '../domain/shared-lock.ts'
import { setUpcallPending } from '../domain/vcpu-info.ts'
import type { PortOps } from './port-ops.ts'

export const WORDS_PER_FRAME = 1024
const PENDING = 1 << EVTCHN_FIFO_PENDING
const MASKED = 1 << EVTCHN_FIFO_MASKED
const LINKED = 1 << EVTCHN_FIFO_LINKED
const BUSY = 1 << EVTCHN_FIFO_BUSY
const HEAD = offsetof(evtchn_fifo_control_block.head) >> 2
/** Times a tail that the guest keeps changing is tried before it counts as linked, as in Xen. */
const TRIES = 4

// channel.queue: bits 0 to 3 the priority, 4 to 7 that of the queue it was last in, 8 to 15 the vCPU of that queue, then a flag.
const LAST_PRIORITY = 4
const LAST_VCPU = 8
/** It was sent before there was a word for it. */
const SENT_EARLY = 1 << 16
const LAST_QUEUE = 0xfff << LAST_PRIORITY

/**
 * The FIFO ABI: a word per port in frames of the guest's, and for each vCPU 16 queues, linked through the words, with heads
 * in a control block of the guest's. The guest takes events off and may write anything anywhere at any moment: whatever is
 * in a word is only ever a flag to test or a link to replace, never followed. The tails are the hypervisor's own.
 */
export class FifoPorts implements PortOps {
  readonly limit: number = DOMAIN.channels.length
  readonly #domain: Omit<GuestDomain, 'ports'>
  readonly #lock: SharedLock

  constructor(domain: Omit<GuestDomain, 'ports'>, owner: LockOwner) {
    this.#domain = domain
    this.#lock = new SharedLock(domain.state.memory, DOMAIN.fifoLock, 0, owner)
  }

  /** A port was taken: it has the middle priority. The queue it was last in, for whoever had it before, may still have it as tail. */
  opened(port: number): void {
    const { state } = this.#domain
    const channel = state.channel(port)
    const last = CHANNEL.queue.load(state.memory, channel) & LAST_QUEUE
    CHANNEL.queue.store(state.memory, channel, last | EVTCHN_FIFO_PRIORITY_DEFAULT)
  }

  setPriority(port: number, priority: number): void {
    const { state } = this.#domain
    const channel = state.channel(port)
    this.#lock.with(() => {
      const queue = CHANNEL.queue.load(state.memory, channel)
      CHANNEL.queue.store(state.memory, channel, (queue & ~15) | priority)
    })
  }

  /** Events that were sent to ports of a frame before it came. True for each vCPU that has an upcall to take now. */
  frameAdded(first: number, tell: (vcpu: number) => void): void {
    const { state } = this.#domain
    const end = Math.min(first + WORDS_PER_FRAME, DOMAIN.validPorts.load(state.memory, 0))
    for (let port = first; port < end; port++) {
      const channel = state.channel(port)
      if (!(CHANNEL.queue.clear(state.memory, channel, SENT_EARLY) & SENT_EARLY)) continue
      const vcpu = CHANNEL.vcpu.load(state.memory, channel)
      if (this.setPending(port, vcpu) === 'upcall') tell(vcpu)
    }
  }

  setPending(port: number, vcpu: number): 'already' | 'masked' | 'upcall' {
    const word = this.#word(port)
    const { state } = this.#domain
    if (word < 0) {
      CHANNEL.queue.or(state.memory, state.channel(port), SENT_EARLY)
      // Somebody may poll for it all the same.
      return 'masked'
    }
    return this.#lock.with(() => {
      const already = (Atomics.or(this.#words, word, PENDING) & PENDING) !== 0
      const upcall = this.#link(port, word, vcpu)
      return upcall ? 'upcall' : already ? 'already' : 'masked'
    })
  }

  clearPending(port: number): void {
    const { state } = this.#domain
    CHANNEL.queue.clear(state.memory, state.channel(port), SENT_EARLY)
    const word = this.#word(port)
    if (word >= 0) Atomics.and(this.#words, word, ~PENDING)
  }

  isPending(port: number): boolean {
    const word = this.#word(port)
    return word >= 0 && (Atomics.load(this.#words, word) & PENDING) !== 0
  }

  isMasked(port: number): boolean {
    const word = this.#word(port)
    return word < 0 || (Atomics.load(this.#words, word) & MASKED) !== 0
  }

  /** Still in a queue: whoever got the port now would get the old event's place. */
  isBusy(port: number): boolean {
    const word = this.#word(port)
    return word >= 0 && (Atomics.load(this.#words, word) & LINKED) !== 0
  }

  unmask(port: number, vcpu: number): boolean {
    const word = this.#word(port)
    if (word < 0) return false
    Atomics.and(this.#words, word, ~MASKED)
    return this.isPending(port) && this.setPending(port, vcpu) === 'upcall'
  }

  /** Appends an event that may be delivered and is in no queue; true if the vCPU has an upcall that it had not. */
  #link(port: number, word: number, vcpu: number): boolean {
    const { state } = this.#domain
    const control = this.#control(vcpu)
    if (control < 0 || Atomics.load(this.#words, word) & MASKED) return false
    if (Atomics.or(this.#words, word, LINKED) & LINKED) return false

    const channel = state.channel(port)
    const queue = CHANNEL.queue.load(state.memory, channel)
    const priority = queue & 15
    const lastVcpu = (queue >> LAST_VCPU) & 0xff
    const lastPriority = (queue >> LAST_PRIORITY) & 15
    // The tail of the queue it was in must not be appended to: the link would end up in another queue.
    const lastBase = state.vcpu(Math.min(lastVcpu, state.nrVcpus - 1))
    VCPU.queueTails.compareExchange(state.memory, lastBase, port, 0, lastPriority)
    CHANNEL.queue.store(state.memory, channel, priority | (priority << LAST_PRIORITY) | (vcpu << LAST_VCPU))

    const base = state.vcpu(vcpu)
    const tail = VCPU.queueTails.load(state.memory, base, priority)
    const appended = tail !== 0 && this.#append(this.#word(tail), port)
    if (!appended) Atomics.store(this.#words, control + HEAD + priority, port)
    VCPU.queueTails.store(state.memory, base, port, priority)
    this.#written(vcpu)
    if (appended || Atomics.or(this.#words, control, 1 << priority) & (1 << priority)) return false
    return setUpcallPending(this.#domain as GuestDomain, vcpu)
  }

  /** Links `port` behind the event at `word`; false if that one is in no queue any more. */
  #append(word: number, port: number): boolean {
    for (let tries = 0; tries <= TRIES && word >= 0; tries++) {
      const seen = Atomics.load(this.#words, word)
      if (!(seen & LINKED)) {
        if (seen & BUSY) Atomics.and(this.#words, word, ~BUSY)
        return false
      }
      const linked = (seen & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | port
      if (Atomics.compareExchange(this.#words, word, seen, linked) === seen) return true
      // A guest that sees it does not clear its mask meanwhile.
      Atomics.or(this.#words, word, BUSY)
    }
    if (word >= 0) Atomics.and(this.#words, word, ~BUSY)
    return word >= 0
  }

  get #words(): Int32Array {
    return this.#domain.memory.words
  }

  /** Index of a port's word, -1 if the guest has given no frame for it. The frames are held and never absent. */
  #word(port: number): number {
    const { state, memory } = this.#domain
    const slot = port >> 10
    if (slot >= DOMAIN.nrFifoFrames.load(state.memory, 0)) return -1
    return (memory.frameOffset(DOMAIN.fifoFrames.load(state.memory, 0, slot)) >>> 2) + (port & (WORDS_PER_FRAME - 1))
  }

  /** Index of a vCPU's control block, -1 if it has none. */
  #control(vcpu: number): number {
    const { state, memory } = this.#domain
    const base = state.vcpu(vcpu)
    const frame = VCPU.controlFrame.load(state.memory, base)
    if (frame === 0) return -1
    return (memory.frameOffset(frame - 1) + VCPU.controlOffset.load(state.memory, base)) >>> 2
  }

  #written(vcpu: number): void {
    const { state, memory } = this.#domain
    const base = state.vcpu(vcpu)
    const frame = VCPU.controlFrame.load(state.memory, base)
    memory.written(frame - 1, VCPU.controlOffset.load(state.memory, base), 72)
  }
}
