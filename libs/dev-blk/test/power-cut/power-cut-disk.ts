/** A disk with a volatile cache, whose power can be cut: for tests of what survives. */
import { type Disk, DiskError } from '@paravane/core'

/** What a sector was made to hold since the last flush. */
interface Version {
  readonly write: number
  readonly bytes: Uint8Array
}

export interface PowerCutOptions {
  /** The same for the same choices. */
  readonly seed: number
  /** What the medium writes in one piece: a write may be torn between two of these, and never within one. */
  readonly unit: 512 | 4096
  /** Of the cache; what is more is written back, as a real cache does. */
  readonly cacheBytes?: number
}

const SECTOR = 512
const CACHE_BYTES: number = 64 << 20
/** How a cut treats the units of writes that nobody flushed. */
const MANNERS = ['nothing', 'everything', 'each by itself', 'mostly kept', 'mostly lost', 'up to a moment'] as const

/**
 * Keeps what is written in memory, and hands it to the disk below when it is flushed. `cut` leaves below, for each unit by itself, any
 * of the states that it had since the last flush: as written at some moment, or as before.
 */
export class PowerCutDisk implements Disk {
  readonly #below: Disk
  readonly #unit: number
  readonly #cacheBytes: number
  readonly #random: () => number
  readonly #versions = new Map<number, Version[]>()
  #writes = 0
  #work: Promise<unknown> = Promise.resolve()
  #isCut = false
  #closed = false

  constructor(below: Disk, { seed, unit, cacheBytes = CACHE_BYTES }: PowerCutOptions) {
    this.#below = below
    this.#unit = Math.max(unit, below.sectorSize)
    this.#cacheBytes = cacheBytes
    this.#random = seeded(seed)
  }

  get size(): number {
    return this.#below.size
  }

  get sectorSize(): number {
    return this.#below.sectorSize
  }

  get physicalSectorSize(): number {
    return Math.max(this.#unit, this.#below.sectorSize)
  }

  get readonly(): boolean {
    return this.#below.readonly
  }

  get identity(): string {
    return this.#below.identity
  }

  /** Sectors whose latest state no flush has made durable. */
  get unflushed(): number {
    return this.#versions.size
  }

  async read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    this.#mayGoOn()
    const bytes = Buffer.alloc(into.reduce((sum, { length }) => sum + length, 0))
    // What is dropped by a flush meanwhile is below then, but perhaps not yet when below is read.
    const newer: { readonly at: number; readonly bytes: Uint8Array }[] = []
    for (let at = 0; at < bytes.length; at += SECTOR) {
      const latest = this.#versions.get((offset + at) / SECTOR)?.at(-1)
      if (latest !== undefined) newer.push({ at, bytes: latest.bytes })
    }
    await this.#below.read(offset, [bytes])
    this.#mayGoOn()
    for (const sector of newer) bytes.set(sector.bytes, sector.at)
    let from = 0
    for (const buffer of into) {
      buffer.set(bytes.subarray(from, from + buffer.length))
      from += buffer.length
    }
  }

  async write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    this.#mayGoOn()
    const bytes = Buffer.concat(from.map((part) => Uint8Array.from(part)))
    if (this.readonly || offset < 0 || offset + bytes.length > this.size || (offset | bytes.length) % this.sectorSize) {
      // It says what is wrong.
      return this.#below.write(offset, from)
    }
    const write = ++this.#writes
    for (let at = 0; at < bytes.length; at += SECTOR) {
      const sector = (offset + at) / SECTOR
      const version = { write, bytes: bytes.subarray(at, at + SECTOR) }
      const versions = this.#versions.get(sector)
      if (versions === undefined) this.#versions.set(sector, [version])
      else versions.push(version)
    }
    if (this.#versions.size * SECTOR > this.#cacheBytes) await this.#next(() => this.#settle(this.#writes))
  }

  async flush(): Promise<void> {
    this.#mayGoOn()
    const upTo = this.#writes
    await this.#next(async () => {
      await this.#settle(upTo)
      await this.#below.flush()
    })
    this.#mayGoOn()
  }

  /** Ends the power: nothing more is done, and below is one of the states that a real disk may be in. It is closed then. */
  async cut(): Promise<void> {
    if (this.#isCut) return
    this.#isCut = true
    await this.#work.catch(() => {})
    const manner = MANNERS[this.#choice(MANNERS.length)]!
    const moment = this.#choice(this.#writes + 2)
    for (const sectors of this.#units()) {
      const writes = [...new Set(sectors.flatMap((sector) => this.#versions.get(sector)!.map(({ write }) => write)))]
      const kept = this.#kept(
        manner,
        moment,
        writes.sort((a, b) => a - b),
      )
      for (const sector of sectors) {
        const version = this.#versions.get(sector)!.findLast(({ write }) => write <= kept)
        if (version !== undefined) await this.#below.write(sector * SECTOR, [version.bytes])
      }
    }
    await this.#below.flush()
    await this.close()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // Without a cut the power stays on: what is in the cache gets to the disk in its own time.
    if (!this.#isCut) await this.#next(() => this.#settle(this.#writes))
    await this.#below.close()
  }

  /** Up to which of these writes a unit is found later; 0 for none. */
  #kept(manner: (typeof MANNERS)[number], moment: number, writes: readonly number[]): number {
    const last = writes.at(-1)!
    if (manner === 'nothing') return 0
    if (manner === 'everything') return last
    if (manner === 'up to a moment') return moment
    const rarely = this.#choice(16) === 0
    if (manner === 'mostly kept' && !rarely) return last
    if (manner === 'mostly lost' && !rarely) return 0
    return [0, ...writes][this.#choice(writes.length + 1)]!
  }

  /** Sectors with versions, by the units they are in, ascending. */
  #units(): number[][] {
    const units = new Map<number, number[]>()
    for (const sector of [...this.#versions.keys()].sort((a, b) => a - b)) {
      const unit = Math.floor((sector * SECTOR) / this.#unit)
      units.set(unit, [...(units.get(unit) ?? []), sector])
    }
    return [...units.values()]
  }

  /** Brings below what was written up to `upTo`. */
  async #settle(upTo: number): Promise<void> {
    const sectors = [...this.#versions.keys()].sort((a, b) => a - b)
    const due = sectors.flatMap((sector) => {
      const version = this.#versions.get(sector)!.findLast(({ write }) => write <= upTo)
      return version === undefined ? [] : [{ sector, bytes: version.bytes }]
    })
    for (let from = 0; from < due.length; ) {
      let to = from + 1
      while (to < due.length && due[to]!.sector === due[to - 1]!.sector + 1) to++
      const bytes = due.slice(from, to).map((each) => each.bytes)
      await this.#below.write(due[from]!.sector * SECTOR, bytes)
      from = to
    }
    for (const { sector } of due) {
      const left = this.#versions.get(sector)!.filter(({ write }) => write > upTo)
      if (left.length === 0) this.#versions.delete(sector)
      else this.#versions.set(sector, left)
    }
  }

  #next(work: () => Promise<void>): Promise<void> {
    const done = this.#work.catch(() => {}).then(work)
    this.#work = done
    return done
  }

  #mayGoOn(): void {
    if (this.#isCut) throw new DiskError('DISK_GONE', this.identity, 'the power was cut')
    if (this.#closed) throw new DiskError('DISK_CLOSED', this.identity, 'it is closed')
  }

  #choice(below: number): number {
    return Math.floor(this.#random() * below)
  }
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
