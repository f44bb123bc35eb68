/** Which clusters an overlay has of its own: a bit each, which is only ever set. */

/** Bytes of a cluster: what guests mostly write at least, so that little has to be copied. */
export const CLUSTER = 4096
/** Bytes of the map that are written together. */
const PAGE = 4096

export interface MapPage {
  /** Bytes from the start of the map. */
  readonly offset: number
  readonly bytes: Uint8Array
}

export class OverlayMap {
  readonly #bytes: Uint8Array
  readonly #dirty = new Set<number>()

  /** @param bytes as they are on disk: {@link mapBytes} of them */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  has(cluster: number): boolean {
    return ((this.#bytes[cluster >> 3]! >> (cluster & 7)) & 1) === 1
  }

  add(cluster: number): void {
    if (this.has(cluster)) return
    this.#bytes[cluster >> 3]! |= 1 << (cluster & 7)
    this.#dirty.add(Math.floor((cluster >> 3) / PAGE))
  }

  /** Copies of the pages that changed since the last call; they count as written. */
  takeDirty(): MapPage[] {
    const pages = [...this.#dirty].sort((a, b) => a - b)
    this.#dirty.clear()
    return pages.map((page) => ({ offset: page * PAGE, bytes: this.#bytes.slice(page * PAGE, (page + 1) * PAGE) }))
  }

  /** They could not be written. */
  giveBack(pages: readonly MapPage[]): void {
    for (const { offset } of pages) this.#dirty.add(offset / PAGE)
  }
}

/** Bytes of the map of a disk of `size` bytes. */
export function mapBytes(size: number): number {
  return Math.ceil(size / CLUSTER / 8 / PAGE) * PAGE
}
