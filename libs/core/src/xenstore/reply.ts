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
  /** The value of a node, as it is. */
  | { readonly kind: 'value'; readonly value: Uint8Array }
  /** The names of a node's children. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** Those of them from byte `offset` of the NUL separated list on, as many as one message holds. */
  | { readonly kind: 'part'; readonly generation: number; readonly names: readonly string[]; readonly offset: number }
  | { readonly kind: 'perms'; readonly perms: Perms }
  /** A number, a path or a truth value, as text. */
  | { readonly kind: 'text'; readonly text: string }

export const OK: Reply = { kind: 'ok' }

export function refuse(errno: XsErrno): Reply {
  return { kind: 'error', errno }
}

/** The payload of the reply; undefined if it exceeds XENSTORE_PAYLOAD_MAX (the caller answers E2BIG). */
export function encodeReply(reply: Reply): Uint8Array | undefined {
  const payload = reply.kind === 'value' ? reply.value : Buffer.from(replyText(reply), 'latin1')
  return payload.length <= XENSTORE_PAYLOAD_MAX ? payload : undefined
}

/** Whether a client could not tell the two apart. */
export function sameReply(a: Reply, b: Reply): boolean {
  if (a.kind !== 'value' || b.kind !== 'value') return a.kind === b.kind && replyText(a) === replyText(b)
  return Buffer.compare(a.value, b.value) === 0
}

const terminated = (texts: readonly string[]): string => texts.map((text) => `${text}\0`).join('')

function replyText(reply: Reply): string {
  switch (reply.kind) {
    case 'value':
      return Buffer.from(reply.value).toString('latin1')
    case 'ok':
      return 'OK\0'
    case 'error':
      return `${reply.errno}\0`
    case 'names':
      return terminated(reply.names)
    case 'perms':
      return terminated(reply.perms.map(formatPerm))
    case 'text':
      return `${reply.text}\0`
    case 'part':
      return directoryPart(`${reply.generation}\0`, terminated(reply.names), reply.offset)
  }
}

/** Whole names only, and an empty one after the last of the list. */
function directoryPart(generation: string, list: string, offset: number): string {
  const rest = list.slice(offset)
  const room = XENSTORE_PAYLOAD_MAX - generation.length - 1
  if (rest.length <= room) return `${generation}${rest}\0`
  return generation + rest.slice(0, rest.lastIndexOf('\0', room - 1) + 1)
}
