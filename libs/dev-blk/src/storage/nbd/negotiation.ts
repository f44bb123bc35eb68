import type { Wish } from './byte-feed.ts'
import { NbdError } from './nbd-error.ts'
import {
  EXPORT_FLAG,
  HANDSHAKE_FLAG,
  INFO,
  NAME_BYTES_MAX,
  NBD_MAGIC,
  OLD_STYLE_MAGIC,
  OPTION,
  OPTION_ERRORS,
  OPTION_MAGIC,
  OPTION_REPLY,
  OPTION_REPLY_MAGIC,
  PAYLOAD_BYTES_DEFAULT,
} from './protocol.ts'

/** What the server says of an export. Sizes are bytes. */
export interface NbdExport {
  readonly size: number
  /** EXPORT_FLAG. */
  readonly flags: number
  readonly minimumBlock: number
  readonly preferredBlock: number
  readonly maximumPayload: number
  /** Replies may come in chunks. */
  readonly structured: boolean
}

/** Of one reply to an option; what is longer is not looked at. */
const REPLY_BYTES_MAX = 16 << 10
/** Replies to one option. */
const REPLIES_MAX = 64

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Fixed newstyle, up to where requests may be sent. @throws NbdError */
export function* negotiate(name: string, send: (bytes: Uint8Array) => void): Generator<Wish, NbdExport, Uint8Array> {
  const hello = view(yield 18)
  if (hello.getBigUint64(0) !== NBD_MAGIC) throw new NbdError('what answers there is no NBD server')
  const style = hello.getBigUint64(8)
  if (style === OLD_STYLE_MAGIC) throw new NbdError('it speaks the old style of NBD: it is too old')
  if (style !== OPTION_MAGIC) throw new NbdError('it speaks no style of NBD that is known')
  const offered = hello.getUint16(16)
  if (!(offered & HANDSHAKE_FLAG.fixedNewstyle))
    throw new NbdError('it does not speak the fixed new style: it is too old')
  const flags = Buffer.alloc(4)
  flags.writeUInt32BE(offered & (HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes))
  send(flags)
  send(option(OPTION.structuredReply, Buffer.alloc(0)))
  const structured = (yield* reply(OPTION.structuredReply)).type === OPTION_REPLY.ack
  send(option(OPTION.go, goRequest(name)))
  return yield* exportInfo(structured)
}

function* exportInfo(structured: boolean): Generator<Wish, NbdExport, Uint8Array> {
  let about: { size: number; flags: number } | undefined
  let blocks = { minimumBlock: 1, preferredBlock: 4096, maximumPayload: PAYLOAD_BYTES_DEFAULT }
  for (let count = 0; count < REPLIES_MAX; count++) {
    const { type, data } = yield* reply(OPTION.go)
    if (type === OPTION_REPLY.ack) {
      if (about === undefined) throw new NbdError('it does not say how large the export is')
      return { ...about, ...blocks, structured }
    }
    if (type !== OPTION_REPLY.info) throw new NbdError(refusal(type, data))
    if (data.length < 2) throw new NbdError('it sends a piece of information without a type')
    const kind = view(data).getUint16(0)
    if (kind === INFO.export) about = readExport(data)
    if (kind === INFO.blockSize) blocks = readBlockSizes(data)
  }
  throw new NbdError('it never comes to an end about the export')
}

/** @returns a copy of the data, as it is kept */
function* reply(asked: number): Generator<Wish, { type: number; data: Uint8Array }, Uint8Array> {
  const head = view(yield 20)
  if (head.getBigUint64(0) !== OPTION_REPLY_MAGIC) throw new NbdError('its reply to an option is none')
  if (head.getUint32(8) !== asked) throw new NbdError('it replies to another option than was asked')
  const type = head.getUint32(12)
  const length = head.getUint32(16)
  if (length > REPLY_BYTES_MAX) throw new NbdError('its reply to an option is too long')
  return { type, data: Uint8Array.from(yield length) }
}

function readExport(data: Uint8Array): { size: number; flags: number } {
  if (data.length !== 12) throw new NbdError('what it says of the export has a wrong length')
  const size = Number(view(data).getBigUint64(2))
  if (!Number.isSafeInteger(size)) throw new NbdError('its export is larger than can be counted')
  const flags = view(data).getUint16(10)
  return { size, flags: flags & EXPORT_FLAG.hasFlags ? flags : 0 }
}

function readBlockSizes(data: Uint8Array): { minimumBlock: number; preferredBlock: number; maximumPayload: number } {
  if (data.length !== 14) throw new NbdError('what it says of block sizes has a wrong length')
  const [minimumBlock, preferredBlock, most] = [2, 6, 10].map((at) => view(data).getUint32(at)) as [
    number,
    number,
    number,
  ]
  const isPower = (value: number): boolean => value > 0 && Math.log2(value) % 1 === 0
  if (!isPower(minimumBlock) || minimumBlock > 65_536 || !isPower(preferredBlock) || preferredBlock < minimumBlock) {
    throw new NbdError('its block sizes are none')
  }
  const maximumPayload = Math.min(most - (most % minimumBlock), PAYLOAD_BYTES_DEFAULT)
  if (maximumPayload < 65_536) throw new NbdError('it takes requests that are too small to be of use')
  return { minimumBlock, preferredBlock, maximumPayload }
}

function refusal(type: number, data: Uint8Array): string {
  const why = OPTION_ERRORS[type] ?? `it refuses with ${type.toString(16)}`
  const said = Buffer.from(data.subarray(0, 200))
    .toString('latin1')
    .replaceAll(/[^ -~]+/g, ' ')
    .trim()
  return said === '' ? why : `${why} ("${said}")`
}

function option(number: number, data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(16)
  head.writeBigUInt64BE(OPTION_MAGIC)
  head.writeUInt32BE(number, 8)
  head.writeUInt32BE(data.length, 12)
  return Buffer.concat([head, data])
}

function goRequest(name: string): Uint8Array {
  const bytes = Buffer.from(name)
  if (bytes.length > NAME_BYTES_MAX) throw new NbdError(`the name of the export has more than ${NAME_BYTES_MAX} bytes`)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  // One wish: block sizes.
  return Buffer.concat([length, bytes, Buffer.from([0, 1, 0, INFO.blockSize])])
}
