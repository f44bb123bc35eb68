import { HEADER_BYTES, MAC_BYTES, SOURCE, TYPE, TYPE_RARP } from './ethernet.ts'

const FRAME_MIN = 60
/** RFC 903: Ethernet, IPv4, their lengths, "request reverse". */
const RARP_HEAD = [0, 1, 8, 0, MAC_BYTES, 4, 0, 3] as const
const SENDER = HEADER_BYTES + 8
const TARGET = SENDER + 10

/** A broadcast that says nothing but where `mac` is: a RARP request, as QEMU sends one for a guest that has moved. */
export function announcement(mac: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_MIN)
  bytes.fill(0xff, 0, MAC_BYTES)
  bytes.set(mac, SOURCE)
  bytes.set([TYPE_RARP >> 8, TYPE_RARP & 0xff], TYPE)
  bytes.set(RARP_HEAD, HEADER_BYTES)
  bytes.set(mac, SENDER)
  bytes.set(mac, TARGET)
  return bytes
}
