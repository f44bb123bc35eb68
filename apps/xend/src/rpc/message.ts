/** JSON-RPC 2.0 as text: what a request says, and what it is answered (https://www.jsonrpc.org/specification). */
import { CodedError } from '@paravane/core'

export interface RpcRequest {
  readonly id: string | number | null
  readonly method: string
  readonly params: unknown
}

/**
 * What the specification has numbers for, those for what is no request by HTTP, and ours: the request was understood and could
 * not be done.
 */
export const RPC_ERROR = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  http: -32000,
  timeout: -32001,
  length: -32002,
  path: -32003,
  refused: 1,
} as const
export type RpcErrorKind = keyof typeof RPC_ERROR

/** `code` is the stable word for programs, as in a CodedError. */
export interface RpcErrorBody {
  readonly code: number
  readonly message: string
  readonly data: { readonly code: string }
}

export type RpcReply =
  | { readonly jsonrpc: '2.0'; readonly id: RpcRequest['id']; readonly result: unknown }
  | { readonly jsonrpc: '2.0'; readonly id: RpcRequest['id']; readonly error: RpcErrorBody }

/** A request that cannot be served as it is. */
export class RpcFault extends Error {
  override readonly name: string = 'RpcFault'
  readonly kind: RpcErrorKind
  readonly id: RpcRequest['id']

  constructor(kind: RpcErrorKind, message: string, id: RpcRequest['id'] = null) {
    super(message)
    this.kind = kind
    this.id = id
  }
}

/** @throws RpcFault `parse` or `request` */
export function parseRequest(text: string): RpcRequest {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    throw new RpcFault('parse', 'the request is not JSON')
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new RpcFault('request', 'a request is one object; batches are not served')
  }
  const { jsonrpc, id = null, method, params } = message as Record<string, unknown>
  const known = typeof id === 'string' || typeof id === 'number' ? id : null
  if (jsonrpc !== '2.0') throw new RpcFault('request', 'a request says "jsonrpc": "2.0"', known)
  if (typeof method !== 'string') throw new RpcFault('request', 'a request names its method', known)
  return { id: known, method, params }
}

export function succeeded(id: RpcRequest['id'], result: unknown): RpcReply {
  return { jsonrpc: '2.0', id, result: result ?? null }
}

/** @param error a CodedError is for the client; anything else is a bug of ours, of which it gets one line */
export function failed(id: RpcRequest['id'], error: unknown): RpcReply {
  return { jsonrpc: '2.0', id, error: bodyOf(error) }
}

function bodyOf(error: unknown): RpcErrorBody {
  if (error instanceof RpcFault) {
    return { code: RPC_ERROR[error.kind], message: error.message, data: { code: `RPC_${error.kind.toUpperCase()}` } }
  }
  if (error instanceof CodedError) return { code: RPC_ERROR.refused, message: error.message, data: error.details }
  const [line] = String(error).split('\n')
  return { code: RPC_ERROR.internal, message: `a bug of Paravane: ${line}`, data: { code: 'BUG' } }
}
