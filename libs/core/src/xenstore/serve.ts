import { XENSTORE_PAYLOAD_MAX, XS_ERROR } from '../abi/io/xs-wire.ts'
import { encodeMessage, type XsMessage } from './message.ts'
import { domainPath, type FiringPath, isFiringPath, isSpecialPath, type SpecialPath } from './path.ts'
import type { Perms } from './perms.ts'
import { OK, payloadOf, type Reply, refuse } from './reply.ts'
import { OPERATIONS, type PathRequest, type XsRequest } from './request.ts'
import type { RequestLog } from './request-log.ts'
import type { Session } from './session.ts'
import type { Store } from './store.ts'

/** What requests that concern whole domains act on. Each answers as on the wire. */
export interface DomainRequests {
  introduce(domid: number, gfn: number, port: number): Reply
  release(domid: number): Reply
  isIntroduced(domid: number): boolean
  resume(domid: number): Reply
  setTarget(domid: number, target: number): Reply
  specialPerms(path: FiringPath): Perms
  setSpecialPerms(path: FiringPath, perms: Perms): void
  control(command: string, args: readonly string[]): Reply
  readonly log: RequestLog
  /** Told of a bug of ours that a request has hit. */
  readonly failed: (error: unknown) => void
}

/** Answers one message of a client, whatever it contains. */
export function serveMessage(store: Store, domains: DomainRequests, session: Session, message: XsMessage): Uint8Array {
  const { type, reqId, txId } = message
  const reply = tried(store, domains, session, message)
  if (domains.log.on) domains.log.note(session.who.domid, message, reply)
  const payload = payloadOf(reply)
  if (payload.length > XENSTORE_PAYLOAD_MAX) {
    return encodeMessage({ type: XS_ERROR, reqId, txId, payload: payloadOf(refuse('E2BIG')) })
  }
  return encodeMessage({ type: reply.kind === 'error' ? XS_ERROR : type, reqId, txId, payload })
}

/** A bug of ours costs the request, and not the process. */
function tried(store: Store, domains: DomainRequests, session: Session, message: XsMessage): Reply {
  try {
    return serveType(store, domains, session, message)
  } catch (error) {
    domains.failed(error)
    return refuse('EIO')
  }
}

function serveType(store: Store, domains: DomainRequests, session: Session, message: XsMessage): Reply {
  const operation = OPERATIONS.get(message.type)
  if (!operation) return refuse('ENOSYS')
  if (operation.privileged && !session.who.privileged) return refuse('EACCES')
  const txId = operation.noTransaction ? 0 : message.txId
  if (txId !== 0 && !session.transaction(txId)) return refuse('ENOENT')
  const request = operation.decode(message.payload)
  return request ? serve(store, domains, session, txId, request) : refuse('EINVAL')
}

/** Carries out one request. @param txId 0, or a transaction of this session that is open */
export function serve(
  store: Store,
  domains: DomainRequests,
  session: Session,
  txId: number,
  request: XsRequest,
): Reply {
  switch (request.op) {
    case 'watch':
      return session.watch(request.path, request.token)
    case 'unwatch':
      return session.unwatch(request.path, request.token)
    case 'resetWatches':
      return session.reset()
    case 'transactionStart':
      return txId === 0 ? session.startTransaction() : refuse('EBUSY')
    case 'transactionEnd':
      return session.endTransaction(txId, request.commit)
    case 'getDomainPath':
      return { kind: 'text', text: domainPath(request.domid) }
    case 'isDomainIntroduced':
      return { kind: 'text', text: domains.isIntroduced(request.domid) ? 'T' : 'F' }
    case 'introduce':
      return domains.introduce(request.domid, request.gfn, request.port)
    case 'release':
      return domains.release(request.domid)
    case 'resume':
      return domains.resume(request.domid)
    case 'setTarget':
      return domains.setTarget(request.domid, request.target)
    case 'control':
      return domains.control(request.command, request.args)
    default:
      if (isSpecialPath(request.path)) return serveSpecial(domains, session, request.path, request)
      return (session.transaction(txId) ?? store).apply(request, session.who)
  }
}

/** The special watch paths have permissions, which say who hears of the event, and nothing else of a node. */
function serveSpecial(domains: DomainRequests, session: Session, path: SpecialPath, request: PathRequest): Reply {
  if (!isFiringPath(path)) return refuse('EINVAL')
  if (!session.who.privileged) return refuse('EACCES')
  switch (request.op) {
    case 'getPerms':
      return { kind: 'perms', perms: domains.specialPerms(path) }
    case 'setPerms':
      domains.setSpecialPerms(path, request.perms)
      return OK
    default:
      return refuse('EINVAL')
  }
}
