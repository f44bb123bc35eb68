import { type BackRing, type DeviceHost, FrontendError, PAGE_SIZE } from '@paravane/core'
import {
  NETIF_RSP_ERROR,
  NETIF_RSP_NULL,
  NETIF_RSP_OKAY,
  NETTXF_csum_blank,
  NETTXF_data_validated,
  NETTXF_extra_info,
  NETTXF_more_data,
  netif_extra_info,
  netif_tx_request,
  netif_tx_response,
  sizeof,
  XEN_NETIF_EXTRA_FLAG_MORE,
  XEN_NETIF_EXTRA_TYPE_GSO,
  XEN_NETIF_EXTRA_TYPE_MAX,
  XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
  XEN_NETIF_EXTRA_TYPE_MCAST_DEL,
  XEN_NETIF_EXTRA_TYPE_NONE,
  XEN_NETIF_GSO_TYPE_TCPV4,
  XEN_NETIF_GSO_TYPE_TCPV6,
  XEN_NETIF_NR_SLOTS_MIN,
} from '@paravane/core/abi'
import { write16 } from '../offload/checksum.ts'
import { Headers, PROTOCOL_TCP } from '../offload/headers.ts'
import { type ChecksumState, FRAME_MAX, type Frame, type Gso } from '../switch/frame.ts'
import type { MulticastFilter } from './multicast-filter.ts'

export interface TxRingInit {
  readonly ring: BackRing
  readonly host: Pick<DeviceHost, 'holdGrant' | 'releaseGrant' | 'memory'>
  /** None: what changes it is refused. */
  readonly multicast: MulticastFilter | undefined
  /** Packets of more than a page, or with extra information, are refused. */
  readonly onlySmall: boolean
  /** @returns false if the packet is refused: it stays in the ring */
  readonly send: (frame: Frame) => boolean
  /** A packet was wrong. */
  readonly wrong: () => void
}

/** Bytes of an Ethernet header. */
const ETHERNET = 14
/** A packet in more slots than may be is dropped, and one in more than these is no packet: Linux's back end has the same bound. */
const SLOTS_FATAL = 20
/** Packets at a time, or segments that they are to be cut in, after which others have their turn. */
const BUDGET = 1024
/** What is kept of a slot: its id, grant, offset and size. */
const SLOT_WORDS = 4

/** The ring on which a guest sends: takes packets from it, checks them and hands them to the network. */
export class TxRing {
  readonly #init: TxRingInit
  readonly #request = new Uint8Array(sizeof(netif_tx_request))
  readonly #requestView = new DataView(this.#request.buffer)
  readonly #response = new Uint8Array(sizeof(netif_tx_response))
  readonly #responseView = new DataView(this.#response.buffer)
  readonly #data = new Uint8Array(FRAME_MAX)
  readonly #headers = new Headers()
  readonly #slots = new Uint32Array(SLOTS_FATAL * SLOT_WORDS)
  /** Of the packet that was taken last. */
  #slotCount = 0
  #extraCount = 0
  #flags = 0
  #gso: Gso | undefined
  #multicast: number = XEN_NETIF_EXTRA_TYPE_NONE

  constructor(init: TxRingInit) {
    this.#init = init
  }

  /**
   * Sends what waits. `more`: there may be more, it is to be called again soon; `idle`: an event will come with the next request;
   * `refused`: the next packet was, and is still in the ring.
   * @throws FrontendError: the ring is not to be used any more; what is wrong is still in it
   */
  run(): 'more' | 'idle' | 'refused' {
    const { ring } = this.#init
    for (let spent = 0; spent < BUDGET; ) {
      const waiting = ring.waiting()
      if (waiting === undefined) throw new FrontendError('its transmit ring has more requests than it has room for')
      if (waiting === 0) {
        if (ring.sleep()) return 'idle'
        // A guest that shows requests and takes them back has its turn, too.
        spent++
        continue
      }
      let isDone = false
      try {
        this.#takePacket(waiting)
        spent += this.#cost()
        isDone = this.#do()
      } finally {
        if (!isDone) ring.putBack(this.#slotCount + this.#extraCount)
      }
      if (!isDone) return 'refused'
    }
    return 'more'
  }

  /** @returns false if the packet that was taken is refused */
  #do(): boolean {
    const { onlySmall, wrong, send } = this.#init
    if (onlySmall && (this.#extraCount > 0 || (this.#slots[3] as number) > PAGE_SIZE)) return false
    if (this.#multicast !== XEN_NETIF_EXTRA_TYPE_NONE) return this.#changeFilter()
    const frame = this.#frame()
    if (frame === undefined) wrong()
    else if (!send(frame)) return false
    this.#answer(frame === undefined ? NETIF_RSP_ERROR : NETIF_RSP_OKAY)
    return true
  }

  /** Of the packet that was taken: what it may be for others. */
  #cost(): number {
    return 1 + (this.#gso === undefined ? 0 : (this.#slots[3] as number) / this.#gso.size)
  }

  /** Takes all slots of a packet. Nothing of it is believed yet but that they belong together. */
  #takePacket(waiting: number): void {
    this.#slotCount = 0
    this.#extraCount = 0
    this.#gso = undefined
    this.#multicast = XEN_NETIF_EXTRA_TYPE_NONE
    let left = waiting - 1
    let flags = this.#takeSlot()
    this.#flags = flags
    if (flags & NETTXF_extra_info) {
      do {
        if (left-- === 0) throw new FrontendError('a packet ends before its extra information')
      } while (this.#takeExtra())
      // A request to change the filter is no packet, whatever else it says.
      if (this.#multicast !== XEN_NETIF_EXTRA_TYPE_NONE) return
    }
    while (flags & NETTXF_more_data) {
      if (left-- === 0) throw new FrontendError('a packet ends before its last slot')
      if (this.#slotCount === SLOTS_FATAL) throw new FrontendError(`a packet has more than ${SLOTS_FATAL} slots`)
      flags = this.#takeSlot()
    }
  }

  #takeSlot(): number {
    this.#init.ring.take(this.#request)
    const view = this.#requestView
    const at = this.#slotCount++ * SLOT_WORDS
    this.#slots[at] = netif_tx_request.id.get(view, 0)
    this.#slots[at + 1] = netif_tx_request.gref.get(view, 0)
    this.#slots[at + 2] = netif_tx_request.offset.get(view, 0)
    this.#slots[at + 3] = netif_tx_request.size.get(view, 0)
    return netif_tx_request.flags.get(view, 0)
  }

  /** @returns whether another follows */
  #takeExtra(): boolean {
    const { gso, mcast } = netif_extra_info.u
    const view = this.#requestView
    this.#init.ring.take(this.#request)
    this.#extraCount++
    const type = netif_extra_info.type.get(view, 0)
    if (type === XEN_NETIF_EXTRA_TYPE_NONE || type >= XEN_NETIF_EXTRA_TYPE_MAX) {
      throw new FrontendError(`there is no extra information of type ${type}`)
    }
    if (type === XEN_NETIF_EXTRA_TYPE_GSO) {
      this.#gso = gsoOf(gso.type.get(view, 0), gso.size.get(view, 0))
    } else if (type === XEN_NETIF_EXTRA_TYPE_MCAST_ADD || type === XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
      this.#multicast = type
      for (let n = 0; n < 6; n++) this.#data[n] = mcast.addr.get(view, 0, n)
    }
    return (netif_extra_info.flags.get(view, 0) & XEN_NETIF_EXTRA_FLAG_MORE) !== 0
  }

  #changeFilter(): boolean {
    const { multicast } = this.#init
    if (multicast === undefined) return false
    const address = this.#data.subarray(0, 6)
    const isNew = this.#multicast === XEN_NETIF_EXTRA_TYPE_MCAST_ADD
    this.#answer((isNew ? multicast.add(address) : multicast.remove(address)) ? NETIF_RSP_OKAY : NETIF_RSP_ERROR)
    return true
  }

  /** The packet that was taken; undefined if it is none. */
  #frame(): Frame | undefined {
    const length = this.#gather()
    if (length === undefined) return undefined
    const bytes = this.#data.subarray(0, length)
    const flags = this.#flags
    const gso = this.#gso
    let checksum: ChecksumState = flags & NETTXF_data_validated ? 'valid' : 'unknown'
    if (flags & NETTXF_csum_blank || gso !== undefined) {
      const headers = this.#headers
      if (!headers.find(bytes)) return undefined
      if (gso && (headers.protocol !== PROTOCOL_TCP || gso.type !== (headers.version === 4 ? 'tcpv4' : 'tcpv6'))) {
        return undefined
      }
      checksum = 'partial'
      // Segments are summed anew: a sum that old front ends have filled in is replaced by the pseudo header's.
      if ((flags & NETTXF_csum_blank) === 0) write16(bytes, headers.checksum, headers.pseudoSum(bytes))
    }
    return { bytes, checksum, gso }
  }

  /** Copies the packet together. @returns its length; undefined if something is wrong with it */
  #gather(): number | undefined {
    const slots = this.#slots
    const count = this.#slotCount
    const length = slots[3] as number
    let others = 0
    for (let at = SLOT_WORDS; at < count * SLOT_WORDS; at += SLOT_WORDS) others += slots[at + 3] as number
    if (length < ETHERNET || others > length || count > XEN_NETIF_NR_SLOTS_MIN) return undefined
    // The first slot's size is that of the whole packet (xen/io/netif.h).
    slots[3] = length - others
    let done = 0
    for (let at = 0; at < count * SLOT_WORDS; at += SLOT_WORDS) {
      const offset = slots[at + 2] as number
      const size = slots[at + 3] as number
      if (offset + size > PAGE_SIZE) {
        throw new FrontendError(`a slot begins at ${offset} and has ${size} bytes, which leave its page`)
      }
      if (!this.#copy(slots[at + 1] as number, offset, size, done)) return undefined
      done += size
    }
    return length
  }

  #copy(ref: number, offset: number, size: number, to: number): boolean {
    const { host } = this.#init
    const held = host.holdGrant(ref, true)
    if (typeof held === 'number') return false
    const from = held.offset + offset
    this.#data.set(host.memory.bytes.subarray(from, from + size), to)
    host.releaseGrant(held)
    return true
  }

  /** One answer for each slot. */
  #answer(status: number): void {
    this.#answerSlot(0, status)
    for (let n = 0; n < this.#extraCount; n++) this.#put(0, NETIF_RSP_NULL)
    for (let slot = 1; slot < this.#slotCount; slot++) this.#answerSlot(slot, status)
  }

  #answerSlot(slot: number, status: number): void {
    this.#put(this.#slots[slot * SLOT_WORDS] as number, status)
  }

  #put(id: number, status: number): void {
    netif_tx_response.id.set(this.#responseView, 0, id)
    netif_tx_response.status.set(this.#responseView, 0, status)
    this.#init.ring.answer(this.#response)
  }
}

function gsoOf(type: number, size: number): Gso {
  if (size === 0) throw new FrontendError('segments of no bytes are asked for')
  if (type === XEN_NETIF_GSO_TYPE_TCPV4) return { type: 'tcpv4', size }
  if (type === XEN_NETIF_GSO_TYPE_TCPV6) return { type: 'tcpv6', size }
  throw new FrontendError(`there are no segments of type ${type}`)
}
