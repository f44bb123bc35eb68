/** Addresses of network cards, in the texts that ask for the cards. */
import { defaultMac, formatMac, parseVifSpec } from '@paravane/dev-net'

/** Undefined if it names none. */
export function cardMac(config: string): string | undefined {
  const { mac } = parseVifSpec(config)
  return mac && formatMac(mac)
}

/**
 * The card with an address, so that it keeps it whatever becomes of the domain's others.
 * @param taken addresses of these; that of the card is added
 */
export function withMac(config: string, domainUuid: string, taken: Set<string>): string {
  const own = cardMac(config) ?? firstFree(domainUuid, taken)
  taken.add(own)
  if (cardMac(config) !== undefined) return config
  return config === '' ? `mac=${own}` : `${config},mac=${own}`
}

function firstFree(domainUuid: string, taken: ReadonlySet<string>): string {
  for (let n = 0; ; n++) {
    const mac = formatMac(defaultMac(domainUuid, n))
    if (!taken.has(mac)) return mac
  }
}
