import type { BigIntStats } from 'node:fs'
import { DiskError } from '@paravane/core'
import { diskError, statPath } from './raw-file.ts'

/** How often storage is looked at, ms. */
const EVERY_MS = 1000

export interface RawWatchInit {
  readonly path: string
  /** As it was when it was opened. */
  readonly stats: BigIntStats
  readonly size: number
  /** Its size in bytes now. */
  readonly measure: () => Promise<number>
  /** It is larger than it ever was. */
  readonly grown: (size: number) => void
  /** After each look. */
  readonly judged?: (isWell: boolean) => void
}

/**
 * Looks now and then whether an open file is still what its path names, and as long as it was. What is written to a file that was
 * removed would be lost with it, and what was cut off would read as zeros once something behind it is written.
 */
export class RawWatch {
  readonly #init: RawWatchInit
  readonly #timer: NodeJS.Timeout
  #size: number
  #fault: DiskError | undefined
  #ended = false

  constructor(init: RawWatchInit) {
    this.#init = init
    this.#size = init.size
    this.#timer = setInterval(() => void this.look(), EVERY_MS).unref()
  }

  /** What is wrong with it, by the last look. */
  get fault(): DiskError | undefined {
    return this.#fault
  }

  /** Looks now. @returns what is wrong with it */
  async look(): Promise<DiskError | undefined> {
    const { path, stats, measure } = this.#init
    try {
      const now = await statPath(path)
      const isSame = now.isBlockDevice() ? now.rdev === stats.rdev : now.dev === stats.dev && now.ino === stats.ino
      const size = await measure()
      if (!isSame) this.#fault = new DiskError('DISK_GONE', path, 'another file has taken its place; put it back')
      else if (size < this.#size) {
        this.#fault = new DiskError('DISK_GONE', path, `it was cut to ${size} bytes; it has to have ${this.#size}`)
      } else this.#fault = undefined
      if (size > this.#size) {
        this.#size = size
        this.#init.grown(size)
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      this.#fault =
        code === 'ENOENT'
          ? new DiskError('DISK_GONE', path, 'it was removed or renamed; put it back')
          : diskError(path, error)
    }
    if (!this.#ended) this.#init.judged?.(this.#fault === undefined)
    return this.#fault
  }

  end(): void {
    this.#ended = true
    clearInterval(this.#timer)
  }
}

/** Of a file whose size is no concern: an image of a format. */
export function watchPlace(path: string, stats: BigIntStats): RawWatch {
  return new RawWatch({ path, stats, size: 0, measure: async () => 0, grown: () => {} })
}
