import { PAGE_SIZE, ringEntries } from '@paravane/core'
import {
  NETRXF_extra_info,
  NETRXF_more_data,
  NETTXF_extra_info,
  NETTXF_more_data,
  netif_extra_info,
  netif_rx_request,
  netif_rx_response,
  netif_rx_sring_entry,
  netif_tx_request,
  netif_tx_response,
  netif_tx_sring_entry,
  SRING_ENTRIES,
  sizeof,
} from '@paravane/core/abi'
import type { ScriptedGuest } from './scripted-guest.ts'

const [REQ_PROD, REQ_EVENT, RSP_PROD, RSP_EVENT] = [0, 1, 2, 3]

/** The front end's half of a ring of one page (xen/io/ring.h). */
export class FrontRing {
  readonly ref: number
  readonly words: Int32Array
  readonly size: number
  readonly #view: DataView
  readonly #entryBytes: number
  #produced = 0
  #consumed = 0

  constructor(guest: ScriptedGuest, entryBytes: number) {
    const { gmfn, bytes, words } = guest.page()
    this.ref = guest.grant(gmfn, false)
    this.words = words
    this.size = ringEntries(1, entryBytes)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, PAGE_SIZE)
    this.#entryBytes = entryBytes
    words[REQ_EVENT] = 1
    words[RSP_EVENT] = 1
  }

  /** Writes a request, which is not shown before `push`. */
  put(write: (view: DataView, at: number) => void): void {
    write(this.#view, this.#at(this.#produced++))
  }

  takeBack(): void {
    this.#produced--
  }

  /** @returns whether the back end wants an event */
  push(): boolean {
    const before = this.words[REQ_PROD] as number
    this.words[REQ_PROD] = this.#produced
    return (this.#produced - (this.words[REQ_EVENT] as number)) >>> 0 < (this.#produced - before) >>> 0
  }

  /** The answers since last looked at; an event is asked for with the next. */
  answers<T>(read: (view: DataView, at: number) => T): T[] {
    const all: T[] = []
    while (this.#consumed !== (this.words[RSP_PROD] as number)) all.push(read(this.#view, this.#at(this.#consumed++)))
    this.words[RSP_EVENT] = this.#consumed + 1
    return all
  }

  #at(index: number): number {
    return SRING_ENTRIES + (index & (this.size - 1)) * this.#entryBytes
  }
}

export interface Sent {
  readonly flags?: number
  /** Bytes of each slot but the last. */
  readonly slot?: number
  readonly extras?: readonly ((view: DataView, at: number) => void)[]
  /** Instead of the packet's own. */
  readonly firstSize?: number
  readonly offset?: number
}

export interface Received {
  readonly bytes: Uint8Array
  /** Of its first slot, without more_data. */
  readonly flags: number
  readonly slots: number
  readonly gso: { readonly type: number; readonly size: number } | undefined
}

/** One extra slot that asks for segments. */
export const gsoExtra =
  (type: number, size: number, flags = 0) =>
  (view: DataView, at: number): void => {
    netif_extra_info.type.set(view, at, 1)
    netif_extra_info.flags.set(view, at, flags)
    netif_extra_info.u.gso.type.set(view, at, type)
    netif_extra_info.u.gso.size.set(view, at, size)
  }

/** One extra slot that changes the multicast filter: type 2 adds, 3 takes away. */
export const multicastExtra =
  (type: number, address: readonly number[]) =>
  (view: DataView, at: number): void => {
    netif_extra_info.type.set(view, at, type)
    netif_extra_info.flags.set(view, at, 0)
    address.forEach((byte, n) => {
      netif_extra_info.u.mcast.addr.set(view, at, n, byte)
    })
  }

type Page = ReturnType<ScriptedGuest['page']>

/** A front end with one pair of rings. */
export class ScriptedFront {
  readonly guest: ScriptedGuest
  readonly tx: FrontRing
  readonly rx: FrontRing
  readonly txPort: number
  readonly rxPort: number
  readonly #posted = new Map<number, { readonly ref: number; readonly page: Page }>()
  /** Pages that were received in. */
  readonly #free: Page[] = []
  #id = 0

  constructor(guest: ScriptedGuest, isSplit = true) {
    this.guest = guest
    this.tx = new FrontRing(guest, sizeof(netif_tx_sring_entry))
    this.rx = new FrontRing(guest, sizeof(netif_rx_sring_entry))
    this.txPort = guest.offerPort()
    this.rxPort = isSplit ? guest.offerPort() : this.txPort
  }

  /** Writes what Linux's front end would. @param folder as `queue-1/` */
  offer(folder = '', more: Readonly<Record<string, number>> = {}): void {
    const { keys } = this.guest
    keys.set(`${folder}tx-ring-ref`, String(this.tx.ref))
    keys.set(`${folder}rx-ring-ref`, String(this.rx.ref))
    if (this.txPort === this.rxPort) keys.set(`${folder}event-channel`, String(this.txPort))
    else {
      keys.set(`${folder}event-channel-tx`, String(this.txPort))
      keys.set(`${folder}event-channel-rx`, String(this.rxPort))
    }
    const features = ['feature-sg', 'feature-gso-tcpv4', 'feature-gso-tcpv6', 'feature-ipv6-csum-offload']
    for (const key of ['request-rx-copy', 'feature-rx-notify', ...features]) keys.set(key, '1')
    for (const [key, value] of Object.entries(more)) keys.set(key, String(value))
  }

  /** Puts a packet in the ring. @returns its grants */
  put(packet: Uint8Array, { flags = 0, slot = PAGE_SIZE, extras = [], firstSize, offset = 0 }: Sent = {}): number[] {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < packet.length || at === 0; at += slot) pieces.push(packet.subarray(at, at + slot))
    const refs = pieces.map((piece) => {
      const page = this.guest.page()
      page.bytes.set(piece, offset)
      return this.guest.grant(page.gmfn, true)
    })
    pieces.forEach((piece, n) => {
      const more = n < pieces.length - 1 ? NETTXF_more_data : 0
      this.putSlot({
        gref: refs[n] as number,
        offset,
        flags: more | (n === 0 ? flags | (extras.length > 0 ? NETTXF_extra_info : 0) : 0),
        size: n === 0 ? (firstSize ?? packet.length) : piece.length,
      })
      if (n === 0) for (const extra of extras) this.tx.put(extra)
    })
    return refs
  }

  putSlot(slot: {
    readonly gref: number
    readonly offset: number
    readonly flags: number
    readonly size: number
  }): void {
    const id = this.#id++ & 0xff
    this.tx.put((view, at) => {
      netif_tx_request.gref.set(view, at, slot.gref)
      netif_tx_request.offset.set(view, at, slot.offset)
      netif_tx_request.flags.set(view, at, slot.flags)
      netif_tx_request.size.set(view, at, slot.size)
      netif_tx_request.id.set(view, at, id)
    })
  }

  /** As if the request that was put last had never been. */
  takeBack(): void {
    this.tx.takeBack()
  }

  /** Shows what was put, with an event if one is wanted. @returns whether it was */
  push(): boolean {
    const wanted = this.tx.push()
    if (wanted) this.guest.notify(this.txPort)
    return wanted
  }

  /** Sends one packet. @returns the answers to its slots: id and status */
  send(packet: Uint8Array, how?: Sent): [id: number, status: number][] {
    this.put(packet, how)
    this.push()
    return this.answers()
  }

  answers(): [id: number, status: number][] {
    return this.tx.answers((view, at) => [netif_tx_response.id.get(view, at), netif_tx_response.status.get(view, at)])
  }

  /** Sets out pages to receive in. @returns whether the back end wanted an event */
  post(count: number, readonly = false): boolean {
    for (let n = 0; n < count; n++) {
      const page = this.#free.pop() ?? this.guest.page()
      const ref = this.guest.grant(page.gmfn, readonly)
      const id = this.#id++ & 0xffff
      this.#posted.set(id, { ref, page })
      this.rx.put((view, at) => {
        netif_rx_request.id.set(view, at, id)
        netif_rx_request.gref.set(view, at, ref)
      })
    }
    const wanted = this.rx.push()
    if (wanted) this.guest.notify(this.rxPort)
    return wanted
  }

  /** Packets that were received since last looked at; an error is a negative status, as a packet without bytes. */
  received(): (Received | number)[] {
    const slots = this.rx.answers((view, at) => ({
      id: netif_rx_response.id.get(view, at),
      offset: netif_rx_response.offset.get(view, at),
      flags: netif_rx_response.flags.get(view, at),
      status: netif_rx_response.status.get(view, at),
      extra: {
        type: netif_extra_info.u.gso.type.get(view, at),
        size: netif_extra_info.u.gso.size.get(view, at),
        kind: netif_extra_info.type.get(view, at),
      },
    }))
    const packets: (Received | number)[] = []
    for (let n = 0; n < slots.length; ) {
      const from = n
      const first = slots[n++] as (typeof slots)[number]
      const isExtra = (first.flags & NETRXF_extra_info) !== 0
      const extra = isExtra ? slots[n++]?.extra : undefined
      const pieces = [first]
      while ((pieces.at(-1) as typeof first).flags & NETRXF_more_data) pieces.push(slots[n++] as typeof first)
      const failed = pieces.find(({ status }) => status < 0)
      if (failed !== undefined) {
        packets.push(failed.status)
        continue
      }
      const bytes = Buffer.concat(
        pieces.map(({ id, offset, status }) => {
          const { ref, page } = this.#posted.get(id) as { ref: number; page: Page }
          this.guest.endGrant(ref)
          this.#free.push(page)
          return page.bytes.slice(offset, offset + status)
        }),
      )
      packets.push({
        bytes: new Uint8Array(bytes),
        flags: first.flags & ~NETRXF_more_data,
        slots: n - from,
        gso: extra && { type: extra.type, size: extra.size },
      })
    }
    return packets
  }
}
