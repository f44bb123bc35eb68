import { type BackRing, type DeviceHost, FrontendError, PAGE_SIZE } from '@paravane/core'
import {
  NETIF_RSP_ERROR,
  NETRXF_csum_blank,
  NETRXF_data_validated,
  NETRXF_extra_info,
  NETRXF_more_data,
  netif_extra_info,
  netif_rx_request,
  netif_rx_response,
  sizeof,
  XEN_NETIF_EXTRA_TYPE_GSO,
  XEN_NETIF_GSO_TYPE_TCPV4,
  XEN_NETIF_GSO_TYPE_TCPV6,
} from '@paravane/core/abi'
import type { Frame } from '../switch/frame.ts'

export interface RxPagesInit {
  readonly ring: BackRing
  readonly host: Pick<DeviceHost, 'holdGrant' | 'releaseGrant' | 'memory'>
}

/** The pages that a guest has set out for what it receives, filled by the thread that holds its ring. */
export class RxPages {
  readonly #init: RxPagesInit
  readonly #request = new Uint8Array(sizeof(netif_rx_request))
  readonly #requestView = new DataView(this.#request.buffer)
  readonly #response = new Uint8Array(sizeof(netif_rx_response))
  readonly #responseView = new DataView(this.#response.buffer)
  readonly #extra = new Uint8Array(sizeof(netif_extra_info))
  readonly #extraView = new DataView(this.#extra.buffer)

  constructor(init: RxPagesInit) {
    this.#init = init
  }

  /** Shows the guest what it was given. @returns whether it wants an event for that */
  publish(): boolean {
    return this.#init.ring.publish()
  }

  /** @returns false if there is no room @throws FrontendError: the ring is not to be used any more */
  deliver(frame: Frame): boolean {
    const { ring } = this.#init
    const waiting = ring.waiting()
    if (waiting === undefined) throw new FrontendError('its receive ring has more requests than it has room for')
    if (waiting < slotsOf(frame)) return false
    const { bytes, checksum, gso } = frame
    let flags = 0
    if (checksum === 'partial') flags = NETRXF_csum_blank | NETRXF_data_validated
    else if (checksum === 'valid') flags = NETRXF_data_validated
    if (gso !== undefined) flags |= NETRXF_extra_info
    for (let at = 0; at < bytes.length; at += PAGE_SIZE) {
      const end = Math.min(at + PAGE_SIZE, bytes.length)
      if (end < bytes.length) flags |= NETRXF_more_data
      this.#fill(bytes.subarray(at, end), flags)
      if (at === 0 && gso !== undefined) this.#tell(gso.type === 'tcpv4', gso.size)
      flags = 0
    }
    return true
  }

  /** Puts a piece of a packet in the guest's next page. */
  #fill(piece: Uint8Array, flags: number): void {
    const { ring, host } = this.#init
    ring.take(this.#request)
    const held = host.holdGrant(netif_rx_request.gref.get(this.#requestView, 0), false)
    let status = NETIF_RSP_ERROR
    if (typeof held !== 'number') {
      host.memory.bytes.set(piece, held.offset)
      host.memory.written(held.gmfn, 0, piece.length)
      host.releaseGrant(held)
      status = piece.length
    }
    const view = this.#responseView
    netif_rx_response.id.set(view, 0, netif_rx_request.id.get(this.#requestView, 0))
    netif_rx_response.offset.set(view, 0, 0)
    netif_rx_response.flags.set(view, 0, flags)
    netif_rx_response.status.set(view, 0, status)
    ring.answer(this.#response)
  }

  /** Tells the guest of segments, in a slot whose page stays as it is. */
  #tell(isV4: boolean, size: number): void {
    const { ring } = this.#init
    const { gso } = netif_extra_info.u
    ring.take(this.#request)
    const view = this.#extraView
    netif_extra_info.type.set(view, 0, XEN_NETIF_EXTRA_TYPE_GSO)
    netif_extra_info.flags.set(view, 0, 0)
    gso.size.set(view, 0, size)
    gso.type.set(view, 0, isV4 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6)
    gso.pad.set(view, 0, 0)
    gso.features.set(view, 0, 0)
    ring.answer(this.#extra)
  }
}

/** Slots that a frame takes. */
export function slotsOf({ bytes, gso }: Frame): number {
  return Math.ceil(bytes.length / PAGE_SIZE) + (gso === undefined ? 0 : 1)
}
