/**
 * What an NBD server sends, from its greeting on, in pieces of any size. Each stream ends in an NbdError of one plain line, or asks
 * for more; a read that is done has every byte, and no byte beside the buffers is written.
 */
import { ByteFeed, type Parser } from '../../../libs/dev-blk/src/storage/nbd/byte-feed.ts'
import { NbdError, type NbdReplyError } from '../../../libs/dev-blk/src/storage/nbd/nbd-error.ts'
import { negotiate } from '../../../libs/dev-blk/src/storage/nbd/negotiation.ts'
import { readReplies, type SentRequest } from '../../../libs/dev-blk/src/storage/nbd/replies.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'

const ACT = 16
const MOST_ACTS = 48
/** Before the acts: how the greeting is wrong, and how the stream is cut. */
const HEAD = 32
const REQUESTS = 6
const GUARD = 64
/** Of bytes that nobody has filled. Servers send none of it. */
const UNFILLED = 0xee
const DISK_BYTES: number = 1 << 20
const LENGTHS: readonly number[] = [512, 1024, 4096, 40_000]
const WORDS: readonly number[] = [0, 1, 7, 8, 9, 12, 512, 513, 4096, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
const TYPES: readonly number[] = [0, 1, 2, 3, 5, 0x8001, 0x8002, 0x8003, 0xffff]

/** A request that waits, and its buffers between guards. */
interface Waiting extends SentRequest {
  readonly memory: Uint8Array
}

/** What is judged: what reads replies. A test gives a wrong one. */
export type ReadReplies = typeof readReplies

class NbdJudge implements Judge {
  readonly #read: ReadReplies
  readonly #tape = new Tape()
  #waiting = new Map<number, Waiting>()
  #all: Waiting[] = []

  constructor(read: ReadReplies) {
    this.#read = read
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(HEAD + ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    const tape = this.#tape.open(bytes, 0, HEAD)
    const structured = tape.below(4) > 0
    const isDamaged = tape.below(3) === 0
    this.#ask(tape)
    const greeting = greetingOf(structured)
    if (isDamaged) for (let n = tape.below(3); n >= 0; n--) greeting[tape.below(greeting.length)] = tape.byte()
    const step = tape.pick([1, 3, 17, 1000, 70_000])
    const stream = [greeting]
    let acts = 0
    for (let at = HEAD; at + ACT <= bytes.length; at += ACT, acts++) {
      stream.push(this.#reply(tape.open(bytes, at, at + ACT), structured))
    }
    this.#run(Buffer.concat(stream), step)
    for (const { memory } of this.#all) this.#guarded(memory)
    return acts + 1
  }

  /** Reads that are under way, each in two buffers. */
  #ask(tape: Tape): void {
    this.#waiting = new Map()
    this.#all = []
    for (let cookie = 1; cookie <= REQUESTS; cookie++) {
      const length = tape.pick(LENGTHS)
      const cut = tape.below(length)
      const memory = new Uint8Array(GUARD + length + GUARD).fill(UNFILLED)
      const into = [memory.subarray(GUARD, GUARD + cut), memory.subarray(GUARD + cut, GUARD + length)]
      const waiting = { command: tape.below(4) === 0 ? 3 : 0, offset: cookie * 65_536, length, into, memory }
      this.#waiting.set(cookie, waiting)
      this.#all.push(waiting)
    }
  }

  #run(stream: Buffer, step: number): void {
    const feed = new ByteFeed(this.#session())
    for (let at = 0; at < stream.length; ) {
      const place = feed.place()
      demand(place.length > 0, 'it asks for no byte')
      const count = Math.min(step, place.length, stream.length - at)
      place.set(stream.subarray(at, at + count))
      at += count
      try {
        feed.filled(count)
      } catch (error) {
        if (!(error instanceof NbdError)) throw error
        if (!/^[ -~]+$/.test(error.message)) finding('a message that is not one plain line')
        return
      }
    }
  }

  *#session(): Parser {
    const { structured, size } = yield* negotiate('disk', () => {})
    demand(Number.isSafeInteger(size) && size >= 0, 'a size that is none')
    yield* this.#read(structured, {
      find: (cookie) => this.#waiting.get(cookie),
      done: (cookie, error) => this.#done(cookie, error),
    })
  }

  #done(cookie: number, error: NbdReplyError | undefined): void {
    const request = this.#waiting.get(cookie)
    demand(request !== undefined, 'a request is done twice')
    this.#waiting.delete(cookie)
    const { command, length, memory } = request!
    if (command !== 0 || error !== undefined) return
    const missing = memory.subarray(GUARD, GUARD + length).indexOf(UNFILLED)
    if (missing >= 0) finding(`a read is done without its byte ${missing} of ${length}`)
  }

  #guarded(memory: Uint8Array): void {
    const isWhole = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === UNFILLED)
    demand(
      isWhole(memory.subarray(0, GUARD)) && isWhole(memory.subarray(-GUARD)),
      'a byte beside the buffers is written',
    )
  }

  /** A reply that is mostly as it should be. */
  #reply(tape: Tape, structured: boolean): Buffer {
    const cookie = 1 + tape.below(REQUESTS + (tape.below(16) === 0 ? 2 : 0))
    const { offset = 0, length = 512 } = this.#all[cookie - 1] ?? {}
    if (tape.below(structured ? 12 : 2) === 0) {
      const isError = structured || tape.below(3) === 0
      return Buffer.concat([simple(cookie, isError ? tape.pick([1, 5, 28, 4711]) : 0), data(isError ? 0 : length)])
    }
    const isLast = tape.below(3) > 0 ? 1 : 0
    const kind = tape.below(10)
    if (kind === 0) return chunk(cookie, isLast, tape.pick(TYPES), data(tape.below(40)), tape.pick(WORDS))
    if (kind === 1)
      return chunk(cookie, isLast, 0x8001, Buffer.concat([word(tape.pick([5, 28])), Buffer.from([0, 3]), data(3)]))
    if (kind === 2) return chunk(cookie, isLast, 0, Buffer.alloc(0))
    const from = tape.below(4) === 0 ? tape.below(length) : 0
    const count = tape.below(3) === 0 ? tape.below(length) : length - from
    const place = Buffer.alloc(8)
    place.writeBigUInt64BE(BigInt(offset + from + (tape.below(24) === 0 ? tape.pick(WORDS) : 0)))
    if (kind < 5) return chunk(cookie, isLast, 2, Buffer.concat([place, word(count)]))
    return chunk(cookie, isLast, 1, Buffer.concat([place, data(count)]))
  }
}

function data(length: number): Buffer {
  return Buffer.alloc(length, 7)
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function simple(cookie: number, error: number): Buffer {
  return Buffer.concat([word(0x67446698), word(error), word(0), word(cookie)])
}

function chunk(cookie: number, flags: number, type: number, body: Buffer, length: number = body.length): Buffer {
  const kind = Buffer.from([0, flags, type >> 8, type & 0xff])
  return Buffer.concat([word(0x668e33ef), kind, word(0), word(cookie), word(length), body])
}

/** A greeting as it should be: 18 bytes, the reply about structure, two pieces of information, and the end. */
function greetingOf(structured: boolean): Buffer {
  const about = Buffer.alloc(12)
  about.writeBigUInt64BE(BigInt(DISK_BYTES), 2)
  about.writeUInt16BE(0xef, 10)
  const blocks = Buffer.concat([Buffer.from([0, 3]), word(1), word(4096), word(32 << 20)])
  return Buffer.concat([
    Buffer.from('4e42444d4147494349484156454f50540003', 'hex'),
    optionReply(8, structured ? 1 : 0x8000_0001),
    optionReply(7, 3, about),
    optionReply(7, 3, blocks),
    optionReply(7, 1),
  ])
}

function optionReply(option: number, type: number, body: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from('0003e889045565a9', 'hex'), word(option), word(type), word(body.length), body])
}

/** @param read what reads replies; a test gives a wrong one */
export function nbdTarget(read: ReadReplies = readReplies): Target {
  return {
    name: 'nbd',
    input: 'a greeting, or a reply',
    stride: ACT,
    life: 100_000,
    open: () => new NbdJudge(read),
  }
}
