import * as wire from '../abi/io/xs-wire.ts'
import { type Perms, parseDomid, parsePerms } from './perms.ts'

/** A request on one node; what a transaction is made of. Paths as the caller wrote them. */
export type PathRequest =
  | { readonly op: 'read' | 'directory' | 'getPerms' | 'mkdir' | 'rm'; readonly path: string }
  /** `offset`: bytes into the NUL separated list of children. */
  | { readonly op: 'directoryPart'; readonly path: string; readonly offset: number }
  | { readonly op: 'write'; readonly path: string; readonly value: string }
  | { readonly op: 'setPerms'; readonly path: string; readonly perms: Perms }

export type SessionRequest =
  | { readonly op: 'watch' | 'unwatch'; readonly path: string; readonly token: string }
  | { readonly op: 'resetWatches' | 'transactionStart' }
  | { readonly op: 'control'; readonly command: string; readonly args: readonly string[] }
  | { readonly op: 'transactionEnd'; readonly commit: boolean }

export type DomainRequest =
  | { readonly op: 'getDomainPath' | 'isDomainIntroduced' | 'release' | 'resume'; readonly domid: number }
  | { readonly op: 'introduce'; readonly domid: number; readonly gfn: number; readonly port: number }
  | { readonly op: 'setTarget'; readonly domid: number; readonly target: number }

export type XsRequest = PathRequest | SessionRequest | DomainRequest

/** One operation of the wire protocol. */
export interface XsOperation {
  /** Domain 0 only; others get EACCES. */
  readonly privileged?: true
  /** The tx_id of the header is ignored. */
  readonly noTransaction?: true
  /** undefined: malformed (EINVAL). */
  readonly decode: (payload: string) => XsRequest | undefined
}

/** The NUL terminated strings a payload consists of; undefined if something follows the last NUL. */
function strings(payload: string): readonly string[] | undefined {
  return payload.endsWith('\0') ? payload.slice(0, -1).split('\0') : undefined
}

/** A decoder of exactly `count` strings. */
function args(count: number, make: (...args: string[]) => XsRequest | undefined): XsOperation['decode'] {
  return (payload) => {
    const found = strings(payload)
    return found?.length === count ? make(...found) : undefined
  }
}

/** Without what follows the last NUL, which some requests reserve: the `?` of xenstore.txt. */
function withoutReserved(decode: XsOperation['decode']): XsOperation['decode'] {
  return (payload) => decode(payload.slice(0, payload.lastIndexOf('\0') + 1))
}

function onWatch(op: 'watch' | 'unwatch'): XsOperation {
  return { noTransaction: true, decode: withoutReserved(args(2, (path, token) => ({ op, path, token }))) }
}

function onPath(op: 'read' | 'directory' | 'getPerms' | 'mkdir' | 'rm'): XsOperation['decode'] {
  return (payload) => {
    const path = payload.slice(0, -1)
    return payload.endsWith('\0') && !path.includes('\0') ? { op, path } : undefined
  }
}

function onDomain(op: 'getDomainPath' | 'isDomainIntroduced' | 'release' | 'resume'): XsOperation['decode'] {
  return args(1, (id) => {
    const domid = parseDomid(id)
    return domid === undefined ? undefined : { op, domid }
  })
}

function parseU32(digits: string): number | undefined {
  return /^\d{1,10}$/.test(digits) && Number(digits) <= 0xffff_ffff ? Number(digits) : undefined
}

function decodeWrite(payload: string): XsRequest | undefined {
  const end = payload.indexOf('\0')
  return end < 0 ? undefined : { op: 'write', path: payload.slice(0, end), value: payload.slice(end + 1) }
}

function decodeSetPerms(payload: string): XsRequest | undefined {
  const [path, ...entries] = strings(payload) ?? []
  const perms = parsePerms(entries)
  return path === undefined || !perms ? undefined : { op: 'setPerms', path, perms }
}

function decodeDirectoryPart(path: string, digits: string): XsRequest | undefined {
  const offset = parseU32(digits)
  return offset === undefined ? undefined : { op: 'directoryPart', path, offset }
}

function decodeIntroduce(payload: string): XsRequest | undefined {
  const [domid, gfn, port] = (strings(payload) ?? []).slice(0, 3).map(parseU32)
  if (domid === undefined || gfn === undefined || !port) return undefined
  return parseDomid(String(domid)) === undefined ? undefined : { op: 'introduce', domid, gfn, port }
}

function decodeControl(payload: string): XsRequest | undefined {
  const [command, ...rest] = strings(payload) ?? []
  return command === undefined ? undefined : { op: 'control', command, args: rest }
}

function decodeSetTarget(guest: string, other: string): XsRequest | undefined {
  const [domid, target] = [parseDomid(guest), parseDomid(other)]
  return domid === undefined || target === undefined ? undefined : { op: 'setTarget', domid, target }
}

/** The operations by their number on the wire (`enum xsd_sockmsg_type`); a hole is answered with ENOSYS. */
export const OPERATIONS: ReadonlyMap<number, XsOperation> = new Map<number, XsOperation>([
  [wire.XS_CONTROL, { privileged: true, decode: decodeControl }],
  [wire.XS_DIRECTORY, { decode: onPath('directory') }],
  [wire.XS_READ, { decode: onPath('read') }],
  [wire.XS_GET_PERMS, { decode: onPath('getPerms') }],
  [wire.XS_WATCH, onWatch('watch')],
  [wire.XS_UNWATCH, onWatch('unwatch')],
  [wire.XS_TRANSACTION_START, { decode: () => ({ op: 'transactionStart' }) }],
  [wire.XS_TRANSACTION_END, { decode: args(1, decodeTransactionEnd) }],
  [wire.XS_INTRODUCE, { privileged: true, decode: withoutReserved(decodeIntroduce) }],
  [wire.XS_RELEASE, { privileged: true, decode: onDomain('release') }],
  [wire.XS_GET_DOMAIN_PATH, { decode: onDomain('getDomainPath') }],
  [wire.XS_WRITE, { decode: decodeWrite }],
  [wire.XS_MKDIR, { decode: onPath('mkdir') }],
  [wire.XS_RM, { decode: onPath('rm') }],
  [wire.XS_SET_PERMS, { decode: withoutReserved(decodeSetPerms) }],
  [wire.XS_IS_DOMAIN_INTRODUCED, { privileged: true, decode: onDomain('isDomainIntroduced') }],
  [wire.XS_RESUME, { privileged: true, decode: onDomain('resume') }],
  [wire.XS_SET_TARGET, { privileged: true, decode: args(2, decodeSetTarget) }],
  [wire.XS_RESET_WATCHES, { decode: () => ({ op: 'resetWatches' }) }],
  [wire.XS_DIRECTORY_PART, { decode: args(2, decodeDirectoryPart) }],
])

function decodeTransactionEnd(verdict: string): XsRequest | undefined {
  return verdict === 'T' || verdict === 'F' ? { op: 'transactionEnd', commit: verdict === 'T' } : undefined
}
