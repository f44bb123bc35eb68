import { FRAME_MAX } from '../switch/frame.ts'

/** A frame with what may stand before it. */
export const RECORD_MAX: number = FRAME_MAX + 10
/** Of a length that stands before each frame: 32 bits, big-endian (QEMU's net/stream.c, and passt). */
const LENGTH_BYTES = 4
/** A buffer that frames are put in before they are written. */
const CHUNK_BYTES = 0x2_0000

/** The other end of a stream does not speak its protocol. */
export class StreamError extends Error {
  override readonly name: string = 'StreamError'
}

/** Takes frames out of a byte stream, whose pieces end anywhere. */
export class StreamReader {
  /** What came of a frame that is not whole yet, with its length. */
  #part: Buffer = Buffer.alloc(0)
  #have = 0

  /**
   * @param take is lent each frame
   * @throws StreamError on a length that no frame has; nothing may be pushed after it
   */
  push(chunk: Buffer, take: (frame: Buffer) => void): void {
    let at = this.#have > 0 ? this.#complete(chunk, take) : 0
    for (;;) {
      const left = chunk.length - at
      if (left === 0) return
      const whole = left < LENGTH_BYTES ? undefined : wholeLength(chunk, at)
      if (whole === undefined || whole > left) {
        this.#append(chunk.subarray(at))
        return
      }
      take(chunk.subarray(at + LENGTH_BYTES, at + whole))
      at += whole
    }
  }

  /** Adds to the part from the chunk what belongs to it. @returns how many bytes did */
  #complete(chunk: Buffer, take: (frame: Buffer) => void): number {
    let at = 0
    let wanted = 0
    do {
      wanted = this.#have < LENGTH_BYTES ? LENGTH_BYTES : wholeLength(this.#part, 0)
      const more = Math.min(wanted - this.#have, chunk.length - at)
      this.#append(chunk.subarray(at, at + more))
      at += more
      if (this.#have < wanted) return at
    } while (wanted === LENGTH_BYTES)
    const end = this.#have
    this.#have = 0
    take(this.#part.subarray(LENGTH_BYTES, end))
    return at
  }

  #append(bytes: Buffer): void {
    if (this.#part.length === 0) this.#part = Buffer.allocUnsafe(LENGTH_BYTES + RECORD_MAX)
    this.#part.set(bytes, this.#have)
    this.#have += bytes.length
  }
}

/** Bytes of the frame at `at` and of its length. @throws StreamError */
function wholeLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at)
  if (length === 0 || length > RECORD_MAX) throw new StreamError(`a frame of ${length} bytes`)
  return LENGTH_BYTES + length
}

/** Collects frames, so that many are written at once. */
export class StreamWriter {
  #chunk: Buffer = Buffer.alloc(0)
  #begin = 0
  #end = 0

  /** Bytes that wait for `take`. */
  get waiting(): number {
    return this.#end - this.#begin
  }

  /** @returns what waited before and is to be written first, if this frame has no room beside it */
  add(header: Uint8Array, frame: Uint8Array): Buffer | undefined {
    const needed = LENGTH_BYTES + header.length + frame.length
    let full: Buffer | undefined
    if (this.#end + needed > this.#chunk.length) {
      full = this.take()
      // What was given away may not be written yet: it is never used again.
      this.#chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, needed))
      this.#begin = 0
      this.#end = 0
    }
    this.#chunk.writeUInt32BE(header.length + frame.length, this.#end)
    this.#chunk.set(header, this.#end + LENGTH_BYTES)
    this.#chunk.set(frame, this.#end + LENGTH_BYTES + header.length)
    this.#end += needed
    return full
  }

  /** What waits; undefined if nothing does. */
  take(): Buffer | undefined {
    if (this.waiting === 0) return undefined
    const bytes = this.#chunk.subarray(this.#begin, this.#end)
    this.#begin = this.#end
    return bytes
  }
}
