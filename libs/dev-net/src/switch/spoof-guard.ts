import { isIPv4 } from 'node:net'
import { payloadOf, SOURCE, sameMac, TYPE_ARP, TYPE_IPV4, TYPE_RARP } from './ethernet.ts'
import { parseIpv4, readIpv4 } from './ipv4-address.ts'

/** Offsets in ARP (RFC 826, for Ethernet and IPv4) and in an IPv4 header (RFC 791). */
const ARP_SENDER_MAC = 8
const ARP_SENDER_IP = 14
const ARP_BYTES = 28
const IPV4_SOURCE = 12
const IPV4_BYTES = 20
/** 0.0.0.0: who has no address yet. */
const UNKNOWN = 0

/** Tells what a card may not send: frames from another address than its own, and ARP or IPv4 from another than one of `ips` if there are any. */
export class SpoofGuard {
  readonly #mac: Uint8Array
  readonly #ips: ReadonlySet<number>

  constructor(mac: Uint8Array, ips: readonly string[]) {
    this.#mac = mac
    this.#ips = new Set(ips.filter((ip) => isIPv4(ip)).map(parseIpv4))
  }

  admits(bytes: Uint8Array): boolean {
    if (!sameMac(bytes, SOURCE, this.#mac)) return false
    const { type, at } = payloadOf(bytes)
    if (type === TYPE_ARP) return bytes.length >= at + ARP_BYTES && this.#admitsArp(bytes, at)
    if (type === TYPE_IPV4) return bytes.length >= at + IPV4_BYTES && this.#admitsIp(bytes, at + IPV4_SOURCE)
    return type !== TYPE_RARP || sameMac(bytes, at + ARP_SENDER_MAC, this.#mac)
  }

  #admitsArp(bytes: Uint8Array, at: number): boolean {
    return sameMac(bytes, at + ARP_SENDER_MAC, this.#mac) && this.#admitsIp(bytes, at + ARP_SENDER_IP)
  }

  #admitsIp(bytes: Uint8Array, at: number): boolean {
    if (this.#ips.size === 0) return true
    const address = readIpv4(bytes, at)
    return address === UNKNOWN || this.#ips.has(address)
  }
}
