import type { DeviceHost, HeldGrant, MappedGrant } from '@paravane/core'
import { GNTST_general_error } from '@paravane/core/abi'

/** What is needed of a device's ways to its guest; without `mapGrant` nothing stays mapped. */
export type PagesHost = Pick<DeviceHost, 'memory' | 'holdGrant' | 'releaseGrant'> &
  Partial<Pick<DeviceHost, 'mapGrant'>>

/** A page of the guest while it is used. */
export interface GuestPage {
  readonly gmfn: number
  readonly bytes: Uint8Array
  /** Of a page that is used once; the others stay mapped. */
  readonly held: HeldGrant | undefined
}

interface KeptPage extends GuestPage {
  readonly mapped: MappedGrant
}

/** The pages that one ring's requests name by grants. Those of a front end that allows it stay mapped, up to a limit. */
export class GuestPages {
  readonly #host: PagesHost
  readonly #limit: number
  readonly #kept = new Map<number, KeptPage>()

  /** @param limit how many may stay mapped */
  constructor(host: PagesHost, limit: number = 0) {
    this.#host = host
    this.#limit = limit
  }

  get kept(): number {
    return this.#kept.size
  }

  /** @param readonly it will not be written @returns the page, or GNTST_* of why not */
  take(ref: number, readonly: boolean): GuestPage | number {
    const kept = this.#kept.get(ref)
    if (kept !== undefined) return kept
    return (this.#kept.size < this.#limit ? this.#keep(ref) : undefined) ?? this.#once(ref, readonly)
  }

  /** Ends one use. */
  give({ held }: GuestPage): void {
    if (held !== undefined) this.#host.releaseGrant(held)
  }

  /** Ends all mappings; no page is in use any more. */
  close(): void {
    for (const { mapped } of this.#kept.values()) mapped.release()
    this.#kept.clear()
  }

  /** Writable, as the next request may read into it; undefined if it is not granted so. */
  #keep(ref: number): KeptPage | undefined {
    const mapped = this.#host.mapGrant?.(ref, false) ?? GNTST_general_error
    if (typeof mapped === 'number') return undefined
    const page = { gmfn: mapped.gmfn, bytes: mapped.bytes, held: undefined, mapped }
    this.#kept.set(ref, page)
    return page
  }

  #once(ref: number, readonly: boolean): GuestPage | number {
    const held = this.#host.holdGrant(ref, readonly)
    if (typeof held === 'number') return held
    const { buffer, byteOffset } = this.#host.memory.bytes
    return { gmfn: held.gmfn, bytes: new Uint8Array(buffer, byteOffset + held.offset, 4096), held }
  }
}
