import type { Entropy } from '@paravane/core'

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

/** An address by chance, as xend gives one to a card that has none in the config. */
export function randomMac(entropy: Entropy): Uint8Array {
  const bytes = new Uint8Array(6)
  entropy.fill(bytes)
  bytes.set(XEN_OUI)
  // xm keeps the fourth byte below 0x80 (tools/python/xen/xend/XendConfig.py).
  bytes[3] = (bytes[3] as number) & 0x7f
  return bytes
}
