import type { Frame } from '../switch/frame.ts'

/** Frames that wait for a guest of virtual time to come to an order point, at most. */
const WAITING_MAX = 1024

export interface ArrivalsInit {
  /** Runs an action at its place in the order of events: at once, or for a guest of virtual time later. */
  readonly fromOutside: (action: () => void) => void
  /** @returns false if it was dropped */
  readonly receive: (frame: Frame) => boolean
  /** No more frames come for now. */
  readonly flush: () => void
}

/** Packets come from outside the machine: each has its place in the order of the guest's events. */
export class Arrivals {
  readonly #init: ArrivalsInit
  /** The frame that is handed over now. */
  #now: Frame | undefined
  #taken = false
  /** Copies of those that wait for their place. */
  readonly #waiting: Frame[] = []

  constructor(init: ArrivalsInit) {
    this.#init = init
  }

  /** @returns false if it was dropped */
  receive(frame: Frame): boolean {
    if (this.#waiting.length >= WAITING_MAX) return false
    this.#now = frame
    this.#init.fromOutside(this.#hand)
    if (this.#now === undefined) return this.#taken
    this.#now = undefined
    this.#waiting.push({ ...frame, bytes: new Uint8Array(frame.bytes) })
    return true
  }

  flush(): void {
    this.#init.fromOutside(this.#init.flush)
  }

  /** Called once for each frame, in their order; a frame of this moment is never behind one that waits. */
  readonly #hand = (): void => {
    const frame = this.#now ?? this.#waiting.shift()
    this.#now = undefined
    if (frame !== undefined) this.#taken = this.#init.receive(frame)
  }
}
