import { CodedError } from '@paravane/core'

/** Where an export is served. */
export type NbdAddress = NbdPlace & { readonly exportName: string }
export type NbdPlace = { readonly path: string } | { readonly host: string; readonly port: number }

const PORT = 10_809
const FORMS =
  'nbd:unix:/PATH:exportname=NAME, nbd:HOST:PORT:exportname=NAME, nbd://HOST:PORT/NAME or nbd+unix:///NAME?socket=/PATH'

export const NBD_SCHEMES = ['nbd', 'nbd+unix'] as const
export type NbdScheme = (typeof NBD_SCHEMES)[number]

/** Reads what users of qemu and nbdinfo write. @throws CodedError `NBD_ADDRESS` */
export function parseNbdAddress(scheme: NbdScheme, target: string): NbdAddress {
  const parsed = target.startsWith('//') ? fromUri(scheme, target) : scheme === 'nbd' ? fromWords(target) : undefined
  if (parsed !== undefined) return parsed
  const details = { code: 'NBD_ADDRESS', target } as const
  throw new CodedError(details, `${scheme}:${target} is no address of an NBD export: write ${FORMS}`)
}

/** As messages and identities have it. */
export function nbdPlaceName(place: NbdPlace): string {
  if ('path' in place) return `unix:${place.path}`
  return place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`
}

function fromUri(scheme: NbdScheme, target: string): NbdAddress | undefined {
  if (scheme === 'nbd' && !/^\/\/[^/]/.test(target)) return undefined
  // A scheme of the web, for which hosts and paths are taken apart.
  const url = URL.parse(`http:${scheme === 'nbd' ? target : target.replace(/^\/\//, '//unix')}`)
  const exportName = url === null ? undefined : decoded(url.pathname.slice(1))
  if (!url || exportName === undefined || url.username !== '' || url.hash !== '') return undefined
  const keys = [...url.searchParams.keys()]
  if (scheme === 'nbd+unix') {
    const path = url.searchParams.get('socket') ?? ''
    return url.host === 'unix' && keys.length === 1 && path.startsWith('/') ? { path, exportName } : undefined
  }
  if (url.hostname === '' || keys.length > 0) return undefined
  // 80 is the web's own port, which it leaves out.
  const port = url.port !== '' ? Number(url.port) : /^\/\/[^/]*:80(\/|$)/.test(target) ? 80 : PORT
  return { host: url.hostname.replaceAll(/[[\]]/g, ''), port, exportName }
}

function fromWords(target: string): NbdAddress | undefined {
  const { place = '', exportName = '' } =
    /^(?<place>.*?)(?::exportname=(?<exportName>.*))?$/s.exec(target)?.groups ?? {}
  const path = /^unix:(\/.+)$/.exec(place)?.[1]
  if (path !== undefined) return { path, exportName }
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):([0-9]{1,5})$/.exec(place) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host !== undefined && port > 0 && port < 65_536 ? { host, port, exportName } : undefined
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
