import { type Disk, type DiskDiscard, DiskError } from '@paravane/core'

/** An operation that a disk was asked for, and which the test ends. */
export interface Pending {
  readonly kind: 'read' | 'write' | 'flush' | 'discard'
  readonly offset: number
  readonly length: number
  done(): void
  fail(error?: Error): void
}

/** A disk in memory whose operations end when the test says so, or at once. */
export class ScriptedDisk implements Disk {
  readonly sectorSize: number
  readonly physicalSectorSize: number = 4096
  readonly readonly: boolean
  readonly identity: string
  readonly content: Uint8Array
  readonly discard?: DiskDiscard
  /** What was asked for and has not ended. */
  readonly pending: Pending[] = []
  /** Each ends at once. */
  instant = true
  closed = false
  size: number
  readonly #listeners = new Set<() => void>()

  constructor(size: number, { readonly = false, discards = false, identity = 'disk', sectorSize = 512 } = {}) {
    this.size = size
    this.content = new Uint8Array(4 * size)
    this.readonly = readonly
    this.sectorSize = sectorSize
    this.identity = identity
    if (discards) {
      const discard: DiskDiscard['discard'] = (offset, length) =>
        this.#ask('discard', offset, length, () => void this.content.fill(0, offset, offset + length))
      this.discard = { granularity: 4096, alignment: 0, discard }
    }
  }

  read(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#ask('read', offset, lengthOf(into), () => {
      let at = offset
      for (const buffer of into) {
        buffer.set(this.content.subarray(at, at + buffer.length))
        at += buffer.length
      }
    })
  }

  write(offset: number, from: readonly Uint8Array[]): Promise<void> {
    return this.#ask('write', offset, lengthOf(from), () => {
      let at = offset
      for (const buffer of from) {
        this.content.set(buffer, at)
        at += buffer.length
      }
    })
  }

  flush(): Promise<void> {
    return this.#ask('flush', 0, 0, () => {})
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  grow(size: number): void {
    this.size = size
    for (const listener of this.#listeners) listener()
  }

  async close(): Promise<void> {
    this.closed = true
    for (const { fail } of this.pending.splice(0)) fail(new DiskError('DISK_CLOSED', 'scripted', 'it is closed'))
  }

  #ask(kind: Pending['kind'], offset: number, length: number, act: () => void): Promise<void> {
    if (offset + length > this.size) throw new Error('the back end asks for what is beyond the end')
    if (this.closed) throw new Error('the back end asks a closed disk')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const end = (): void => {
      const at = this.pending.indexOf(pending)
      if (at >= 0) this.pending.splice(at, 1)
    }
    const pending: Pending = {
      kind,
      offset,
      length,
      done: () => {
        end()
        act()
        resolve()
      },
      fail: (error = new DiskError('DISK_IO', 'scripted', 'it is broken')) => {
        end()
        reject(error)
      },
    }
    this.pending.push(pending)
    if (this.instant) pending.done()
    return promise
  }
}

function lengthOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0)
}
