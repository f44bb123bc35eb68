import { FRAME_MAX, type Frame } from '../switch/frame.ts'
import { read16, read32, write16 } from './checksum.ts'
import { setLength } from './finish.ts'
import { Headers, PROTOCOL_TCP } from './headers.ts'

const ACK = 0x10
const PSH = 0x08
const IP_MAX = 0xffff

/**
 * Makes one long TCP packet of segments that follow each other, as long as nothing but their payload tells them from what would be cut of
 * it: who receives it has one packet's work and not that of dozens. For frames that never left the host, whose checksums are known
 * to be right; all others go through as they are. Order is kept.
 */
export class Coalescer {
  readonly #emit: (frame: Frame) => void
  readonly #headers = new Headers()
  readonly #buffer = new Uint8Array(FRAME_MAX)
  /** Bytes of the packet that is being made; 0 if there is none. */
  #length = 0
  #segments = 0
  /** Where its headers end, and the payload of its first segment. */
  readonly #made = new Headers()
  #size = 0
  /** Sequence number of the byte that would follow. */
  #next = 0

  /** @param emit is lent each frame */
  constructor(emit: (frame: Frame) => void) {
    this.#emit = emit
  }

  push(frame: Frame): void {
    const { bytes } = frame
    const headers = this.#headers
    if (frame.checksum !== 'valid' || frame.gso !== undefined || !isDataSegment(bytes, headers)) {
      this.flush()
      this.#emit(frame)
      return
    }
    const payload = headers.end - headers.payload
    if (!this.#follows(bytes, payload)) {
      this.flush()
      this.#begin(bytes)
      return
    }
    this.#buffer.set(bytes.subarray(headers.payload, headers.end), this.#length)
    this.#length += payload
    this.#segments++
    this.#next = (this.#next + payload) >>> 0
    const flags = this.#made.transport + 13
    this.#buffer[flags] = (this.#buffer[flags] as number) | ((bytes[headers.transport + 13] as number) & PSH)
    // Only the last may be shorter.
    if (payload < this.#size) this.flush()
  }

  /** Gives away what is being made. */
  flush(): void {
    if (this.#length === 0) return
    const bytes = this.#buffer.subarray(0, this.#length)
    const size = this.#size
    const made = this.#made
    this.#length = 0
    if (this.#segments === 1) {
      this.#emit({ bytes, checksum: 'valid', gso: undefined })
      return
    }
    const { ip, version } = made
    setLength(bytes, made, version === 4 ? read16(bytes, ip + 4) : 0)
    made.end = bytes.length
    write16(bytes, made.checksum, made.pseudoSum(bytes))
    this.#emit({ bytes, checksum: 'partial', gso: { type: version === 4 ? 'tcpv4' : 'tcpv6', size } })
  }

  #begin(bytes: Uint8Array): void {
    const { end, payload, transport } = this.#headers
    this.#buffer.set(bytes.subarray(0, end))
    this.#made.find(bytes)
    this.#length = end
    this.#segments = 1
    this.#size = end - payload
    this.#next = (read32(bytes, transport + 4) + this.#size) >>> 0
  }

  /** Whether a segment, whose headers were found, is the next of the packet that is being made. */
  #follows(bytes: Uint8Array, payload: number): boolean {
    const { ip, transport, payload: begin } = this.#headers
    const made = this.#made
    if (this.#length === 0 || payload > this.#size || made.payload !== begin || made.transport !== transport)
      return false
    if (read32(bytes, transport + 4) !== this.#next || this.#length + payload - ip > IP_MAX) return false
    const from = this.#buffer
    return sameHeaders(from, bytes, ip, made.version) && sameTcp(from, bytes, transport, begin)
  }
}

/** A TCP packet with payload and no flag but ACK and PSH, which ends with its frame. */
function isDataSegment(bytes: Uint8Array, headers: Headers): boolean {
  if (!headers.find(bytes) || headers.protocol !== PROTOCOL_TCP) return false
  const { payload, end, transport } = headers
  return end === bytes.length && end > payload && ((bytes[transport + 13] as number) & ~PSH) === ACK
}

/** All up to the transport header but the length, and what identifies an IPv4 packet and its header's checksum. */
function sameHeaders(a: Uint8Array, b: Uint8Array, ip: number, version: 4 | 6): boolean {
  if (!same(a, b, 0, ip + 2)) return false
  if (version === 6) return same(a, b, ip + 2, ip + 4) && same(a, b, ip + 6, ip + 40)
  return same(a, b, ip + 6, ip + 10) && same(a, b, ip + 12, ip + ((a[ip] as number) & 15) * 4)
}

/** Ports, acknowledgement, window, urgent pointer and options; flags were looked at. */
function sameTcp(a: Uint8Array, b: Uint8Array, transport: number, end: number): boolean {
  return (
    same(a, b, transport, transport + 4) &&
    same(a, b, transport + 8, transport + 13) &&
    same(a, b, transport + 14, transport + 16) &&
    same(a, b, transport + 18, end)
  )
}

function same(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (a[at] !== b[at]) return false
  return true
}
