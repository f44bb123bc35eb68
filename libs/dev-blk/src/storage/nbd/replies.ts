import { sliceBuffers } from '../slice-buffers.ts'
import type { Parser, Wish } from './byte-feed.ts'
import { Covered } from './covered.ts'
import { NbdError, NbdReplyError } from './nbd-error.ts'
import {
  CHUNK,
  CHUNK_DONE,
  CHUNK_IS_ERROR,
  COMMAND,
  NBD_ERRORS,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './protocol.ts'

/** A request that was sent. */
export interface SentRequest {
  readonly command: number
  readonly offset: number
  readonly length: number
  /** Of a read. */
  readonly into: readonly Uint8Array[]
  /** Of a read in chunks. */
  covered?: Covered
  /** What a chunk said before the last one. */
  error?: NbdReplyError
}

export interface SentRequests {
  find(cookie: number): SentRequest | undefined
  /** Its reply is complete; it is not found any more. */
  done(cookie: number, error?: NbdReplyError): void
}

/** Of an error's text. */
const SAID_BYTES_MAX = 4096
const ERROR_BYTES_MAX: number = 4 + 2 + SAID_BYTES_MAX + 8

/** Reads replies, for as long as there are any. @throws NbdError where the server breaks the protocol */
export function* readReplies(structured: boolean, sent: SentRequests): Parser {
  for (;;) {
    const magic = word(yield 4, 0)
    if (magic === SIMPLE_REPLY_MAGIC) yield* simpleReply(structured, sent)
    else if (magic === STRUCTURED_REPLY_MAGIC && structured) yield* chunk(sent)
    else throw new NbdError('what it sends is no reply')
  }
}

function* simpleReply(structured: boolean, sent: SentRequests): Parser {
  const head = yield 12
  const error = word(head, 0)
  const { cookie, request } = requestOf(head, 4, sent)
  const isRead = request.command === COMMAND.read
  if (request.covered !== undefined) throw new NbdError('it goes on with another kind of reply')
  if (isRead && error === 0) {
    if (structured) throw new NbdError('it answers a read without the structure it agreed to')
    yield request.into
  }
  sent.done(cookie, error === 0 ? undefined : replyError(error, ''))
}

function* chunk(sent: SentRequests): Parser {
  const head = yield 16
  const flags = head[0]! * 256 + head[1]!
  const type = head[2]! * 256 + head[3]!
  const length = word(head, 12)
  const { cookie, request } = requestOf(head, 4, sent)
  const isLast = (flags & CHUNK_DONE) !== 0
  const isRead = request.command === COMMAND.read
  request.covered ??= new Covered()
  if (type & CHUNK_IS_ERROR) request.error = yield* errorChunk(type, length)
  else if (type === CHUNK.none) {
    if (length !== 0 || !isLast) throw new NbdError('its empty chunk is not empty, or not the last')
  } else if (type === CHUNK.offsetData && isRead) yield* dataChunk(request, length)
  else if (type === CHUNK.offsetHole && isRead) yield* holeChunk(request, length)
  else throw new NbdError('it sends a chunk that was not asked for')
  if (!isLast) return
  if (request.error === undefined && isRead && !request.covered.isWhole(request.length)) {
    throw new NbdError('it leaves out bytes of a read')
  }
  sent.done(cookie, request.error)
}

function* dataChunk(request: SentRequest, length: number): Parser {
  if (length < 9) throw new NbdError('its chunk of data has none')
  yield place(request, offsetAt(yield 8), length - 8)
}

function* holeChunk(request: SentRequest, length: number): Parser {
  if (length !== 12) throw new NbdError('its chunk of a hole has a wrong length')
  const body = yield 12
  for (const zeroes of place(request, offsetAt(body), word(body, 8))) zeroes.fill(0)
}

/** Where bytes of a read belong. */
function place(request: SentRequest, offset: number, length: number): Uint8Array[] {
  const from = offset - request.offset
  if (from < 0 || length === 0 || from + length > request.length) {
    throw new NbdError('it sends bytes that were not asked for')
  }
  request.covered!.add(from, from + length)
  return sliceBuffers(request.into, from, length)
}

function* errorChunk(type: number, length: number): Generator<Wish, NbdReplyError, Uint8Array> {
  if (length > ERROR_BYTES_MAX || length < 4) throw new NbdError('its error has a wrong length')
  const body = yield length
  const known = type === CHUNK.error || type === CHUNK.errorOffset
  const saidLength = known && length >= 6 ? body[4]! * 256 + body[5]! : 0
  if (known && (length < 6 || saidLength > length - 6)) throw new NbdError('its error has a wrong length')
  const said = Buffer.from(body.subarray(6, 6 + Math.min(saidLength, 200)))
  return replyError(
    word(body, 0),
    said
      .toString('latin1')
      .replaceAll(/[^ -~]+/g, ' ')
      .trim(),
  )
}

const replyError = (error: number, said: string): NbdReplyError =>
  new NbdReplyError(NBD_ERRORS[error] ?? `error ${error}`, said)

function requestOf(head: Uint8Array, at: number, sent: SentRequests): { cookie: number; request: SentRequest } {
  const cookie = word(head, at + 4)
  const request = word(head, at) === 0 ? sent.find(cookie) : undefined
  if (request === undefined) throw new NbdError('it replies to a request that is not there')
  return { cookie, request }
}

function offsetAt(bytes: Uint8Array): number {
  return word(bytes, 0) * 0x1_0000_0000 + word(bytes, 4)
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
