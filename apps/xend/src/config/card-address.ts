import { defaultMac, formatMac, parseVifSpec } from '@paravane/dev-net'

/** A network card with an address, so that it keeps it whatever becomes of the domain's other cards. @param n its number */
export function withMac(config: string, domainUuid: string, n: number): string {
  const { mac, devid = n } = parseVifSpec(config)
  if (mac !== undefined) return config
  const own = `mac=${formatMac(defaultMac(domainUuid, devid))}`
  return config === '' ? own : `${config},${own}`
}
