import { xencons_interface } from '../abi/io/console.ts'
import { type ByteRingLayout, RingReader, RingWriter } from '../ring/byte-ring.ts'
import type { SharedPage } from '../ring/shared-page.ts'

const { in: input, out: output, in_cons, in_prod, out_cons, out_prod } = xencons_interface
const INPUT: ByteRingLayout = { data: input.offset, size: input.length, cons: in_cons.offset, prod: in_prod.offset }
const OUTPUT: ByteRingLayout = {
  data: output.offset,
  size: output.length,
  cons: out_cons.offset,
  prod: out_prod.offset,
}

/** Times one poke empties the ring, so that a guest that never stops writing does not keep domain 0 to itself. */
const ROUNDS = 8
/** Bytes of input that wait for room in the ring. */
const INPUT_LIMIT = 65_536

/** What a console is joined to. */
export interface PvConsoleListener {
  /** The guest wrote this: never empty, the listener's to keep. */
  output(bytes: Uint8Array): void
  /** `write` took less than it was given, and can take more now. */
  inputSpace?(): void
}

/**
 * Domain 0's end of a PV console: a byte stream in each direction over one shared page. The guest notifies each time
 * it moved an index, and so do we.
 */
export class PvConsole {
  readonly #notify: () => void
  readonly #listener: PvConsoleListener
  readonly #input: RingWriter
  readonly #output: RingReader
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #refused = false
  #stopped: string | undefined

  /** @param notify sends the event of the console channel to the guest */
  constructor(page: SharedPage, notify: () => void, listener: PvConsoleListener) {
    this.#notify = notify
    this.#listener = listener
    this.#input = new RingWriter(page, INPUT)
    this.#output = new RingReader(page, OUTPUT)
  }

  /** Why the console is dead: `closed`, or what the guest did to the ring. */
  get stopped(): string | undefined {
    return this.#stopped
  }

  /** The guest has sent the event: it wrote output or took input. */
  poke(): void {
    const drained = this.#drain()
    const filled = this.#fill()
    if (drained || filled) this.#notify()
    if (!this.#refused || this.#waitingBytes >= INPUT_LIMIT || this.#stopped) return
    this.#refused = false
    this.#listener.inputSpace?.()
  }

  /**
   * Sends input to the guest, which may take it later. Returns how many bytes were accepted: all, unless 64 KiB wait
   * already or the console has stopped; then `inputSpace` tells when to go on.
   */
  write(bytes: Uint8Array): number {
    if (this.#stopped) return 0
    const accepted = Math.min(bytes.length, INPUT_LIMIT - this.#waitingBytes)
    this.#refused ||= accepted < bytes.length
    if (accepted > 0) {
      this.#waiting.push(bytes.slice(0, accepted))
      this.#waitingBytes += accepted
    }
    if (this.#fill()) this.#notify()
    return accepted
  }

  /** The domain is going away: hands over what it wrote last, then nothing touches its page any more. */
  close(): void {
    this.#drain()
    this.#stop('closed')
  }

  #drain(): boolean {
    let moved = false
    for (let round = 0; round < ROUNDS && !this.#stopped; round++) {
      const available = this.#output.available()
      if (available === undefined) this.#stop('output producer index out of range')
      if (!available) break
      const bytes = new Uint8Array(available)
      this.#output.read(bytes, available)
      moved = true
      this.#listener.output(bytes)
    }
    return moved
  }

  #fill(): boolean {
    let moved = false
    while (!this.#stopped && this.#waiting.length > 0) {
      const space = this.#input.space()
      if (space === undefined) this.#stop('input consumer index out of range')
      if (!space) break
      const first = this.#waiting[0]!
      const part = first.subarray(0, space)
      this.#input.write(part)
      this.#waitingBytes -= part.length
      if (part.length < first.length) this.#waiting[0] = first.subarray(space)
      else this.#waiting.shift()
      moved = true
    }
    return moved
  }

  #stop(reason: string): void {
    this.#stopped ??= reason
    this.#waiting = []
    this.#waitingBytes = 0
  }
}
