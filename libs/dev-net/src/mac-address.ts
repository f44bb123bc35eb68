import { createHash } from 'node:crypto'

/** What Xen's toolstacks make addresses of: an OUI of XenSource's. */
const XEN_OUI = [0x00, 0x16, 0x3e] as const
const MULTICAST = 1
const TEXT = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i

/** Six bytes of an address written as `00:16:3e:12:34:56`; undefined if it is none that a card can have. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!TEXT.test(text)) return undefined
  const bytes = Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16))
  const [first = MULTICAST] = bytes
  return first & MULTICAST || bytes.every((byte) => byte === 0) ? undefined : bytes
}

export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/**
 * The address of a card that was given none: by the domain's UUID and the card's number, so that a domain has the same ones each time it
 * is started, on whatever host.
 */
export function defaultMac(domainUuid: string, devid: number): Uint8Array {
  const digest = createHash('sha256').update(`${domainUuid.toLowerCase()} vif ${devid}`).digest()
  const mac = Uint8Array.from([...XEN_OUI, ...digest.subarray(0, 3)])
  // xm keeps the fourth byte below 0x80 (tools/python/xen/xend/XendConfig.py).
  mac[3] = (mac[3] as number) & 0x7f
  return mac
}
