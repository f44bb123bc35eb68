import type { Writable } from 'node:stream'
import type { Clock } from '@paravane/core'

/** The classic capture file of libpcap, with times in ns (draft-ietf-opsawg-pcap). */
const MAGIC_NS = 0xa1b2_3c4d
const LINKTYPE_ETHERNET = 1
const HEADER_BYTES = 24
const RECORD_BYTES = 16
const NS_PER_S = 1_000_000_000n
/** Bytes that may wait to be written: what comes while there are more is left out. */
const WAITING_MAX = 4 << 20

/** Writes frames as a capture file. A writer that is slower than the frames loses some, and holds up nobody. */
export class PcapWriter {
  readonly #to: Writable
  readonly #clock: Clock
  readonly #snapLength: number
  #frames = 0
  #lost = 0

  /** @param snapLength bytes of each frame that are written at most */
  constructor(to: Writable, clock: Clock, snapLength = 0x4_0000) {
    this.#to = to
    this.#clock = clock
    this.#snapLength = snapLength
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt32LE(MAGIC_NS, 0)
    header.writeUInt16LE(2, 4)
    header.writeUInt16LE(4, 6)
    header.writeUInt32LE(snapLength, 16)
    header.writeUInt32LE(LINKTYPE_ETHERNET, 20)
    to.write(header)
  }

  get frames(): number {
    return this.#frames
  }

  /** Frames that were left out. */
  get lost(): number {
    return this.#lost
  }

  write(frame: Uint8Array): void {
    if (this.#to.destroyed || this.#to.writableLength > WAITING_MAX) {
      this.#lost++
      return
    }
    const kept = frame.subarray(0, this.#snapLength)
    const record = Buffer.allocUnsafe(RECORD_BYTES + kept.length)
    const now = this.#clock.epoch + this.#clock.now()
    record.writeUInt32LE(Number(BigInt.asUintN(32, now / NS_PER_S)), 0)
    record.writeUInt32LE(Number(now % NS_PER_S), 4)
    record.writeUInt32LE(kept.length, 8)
    record.writeUInt32LE(frame.length, 12)
    record.set(kept, RECORD_BYTES)
    this.#frames++
    this.#to.write(record)
  }
}
