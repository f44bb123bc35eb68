import { isIPv4 } from 'node:net'
import { CodedError } from '@paravane/core'

/** An IPv4 address in 32 bits, as it lies in a packet. */
export function readIpv4(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]] as [number, number, number, number]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** An IPv4 address as it is written. @throws CodedError if it is none */
export function parseIpv4(text: string): number {
  if (!isIPv4(text))
    throw new CodedError({ code: 'IP_ADDRESS', ip: text }, `${text} is no IPv4 address; write it as 10.0.2.15`)
  return readIpv4(Uint8Array.from(text.split('.'), Number), 0)
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}
