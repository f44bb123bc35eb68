import { XENSTORE_PAYLOAD_MAX } from '../abi/io/xs-wire.ts'
import { formatPerm, type Perms } from './perms.ts'

/** Errors travel by name (xs_wire.h, `xsd_errors`); the numbers are the client's own. */
export type XsErrno =
  | 'EINVAL'
  | 'EACCES'
  | 'EEXIST'
  | 'EISDIR'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'EIO'
  | 'ENOTEMPTY'
  | 'ENOSYS'
  | 'EROFS'
  | 'EBUSY'
  | 'EAGAIN'
  | 'EISCONN'
  | 'E2BIG'
  | 'EPERM'

/** What a request is answered with. */
export type Reply =
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly errno: XsErrno }
  /** The value of a node, a character for each byte. */
  | { readonly kind: 'value'; readonly value: string }
  /** The names of a node's children, each with a NUL behind it. */
  | { readonly kind: 'names'; readonly list: string }
  /** Those of them from byte `offset` of the list on, as many as one message holds. */
  | { readonly kind: 'part'; readonly generation: number; readonly list: string; readonly offset: number }
  | { readonly kind: 'perms'; readonly perms: Perms }
  /** A number, a path or a truth value, as text. */
  | { readonly kind: 'text'; readonly text: string }

export const OK: Reply = { kind: 'ok' }

export function refuse(errno: XsErrno): Reply {
  return { kind: 'error', errno }
}

/** Whether a client could not tell the two apart. */
export function sameReply(a: Reply, b: Reply): boolean {
  return a.kind === b.kind && payloadOf(a) === payloadOf(b)
}

/** A character for each byte; the caller answers E2BIG for more than XENSTORE_PAYLOAD_MAX. */
export function payloadOf(reply: Reply): string {
  switch (reply.kind) {
    case 'value':
      return reply.value
    case 'ok':
      return 'OK\0'
    case 'error':
      return `${reply.errno}\0`
    case 'names':
      return reply.list
    case 'perms':
      return reply.perms.map((perm) => `${formatPerm(perm)}\0`).join('')
    case 'text':
      return `${reply.text}\0`
    case 'part':
      return directoryPart(`${reply.generation}\0`, reply.list, reply.offset)
  }
}

/** Whole names only, and an empty one after the last of the list. */
function directoryPart(generation: string, list: string, offset: number): string {
  const rest = list.slice(offset)
  const room = XENSTORE_PAYLOAD_MAX - generation.length - 1
  if (rest.length <= room) return `${generation}${rest}\0`
  return generation + rest.slice(0, rest.lastIndexOf('\0', room - 1) + 1)
}
