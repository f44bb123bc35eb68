import * as wire from '../../../libs/core/src/abi/io/xs-wire.ts'
import { INDEX, request, StoreGuest } from '../../../libs/core/test/xenstore/store-guest.ts'
import { demand, finding } from '../target.ts'
import type { ModelRequest, StoreModel } from './store-model.ts'

const TYPES: Readonly<Record<ModelRequest['op'], number>> = {
  read: wire.XS_READ,
  directory: wire.XS_DIRECTORY,
  getPerms: wire.XS_GET_PERMS,
  mkdir: wire.XS_MKDIR,
  rm: wire.XS_RM,
  write: wire.XS_WRITE,
  setPerms: wire.XS_SET_PERMS,
}

interface OpenTransaction {
  readonly model: StoreModel
  readonly steps: { readonly request: ModelRequest; readonly reply: string }[]
}

/** A guest that keeps to the protocol, and knows what each of its requests must be answered. */
export class ModelClient {
  readonly domid: number
  readonly guest = new StoreGuest()
  readonly #serve: () => void
  readonly #transactions = new Map<number, OpenTransaction>()
  readonly #watches = new Map<string, string>()
  #events: { readonly path: string; readonly token: string }[] = []
  #lastRequest = 0
  #lastToken = 0

  /** @param serve has the server do all it can: the client's ring is poked and deferred work done */
  constructor(domid: number, serve: () => void) {
    this.domid = domid
    this.#serve = serve
  }

  /** Asks; the answer must be the model's. `which`: of the open transactions, modulo their number and one. */
  ask(model: StoreModel, request: ModelRequest, which: number): string {
    const [txId, transaction] = this.#pick(which)
    const got = this.#exchange(TYPES[request.op], payloadOf(request), txId)
    const before = transaction?.model ?? model
    const wanted = before.apply(request, this.domid)
    if (got !== wanted) {
      finding(`d${this.domid} ${told(request)}${txId ? ' in a transaction' : ''}: ${shown(got)}, not ${shown(wanted)}`)
    }
    transaction?.steps.push({ request, reply: wanted })
    return txId === 0 ? wanted : ''
  }

  begin(): void {
    if (this.#transactions.size >= 3) return
    const id = Number(this.#exchange(wire.XS_TRANSACTION_START, '\0', 0).slice(0, -1))
    demand(Number.isInteger(id) && id > 0 && !this.#transactions.has(id), 'a transaction without a number of its own')
    this.#transactions.set(id, { model: this.startModel!.copy(), steps: [] })
  }
  /** The model at the time of `begin`. */
  startModel: StoreModel | undefined

  /** A transaction succeeds if its requests would be answered the same now. Answers the model from then on. */
  end(model: StoreModel, which: number, commit: boolean): StoreModel {
    const [txId, transaction] = this.#pick(which)
    if (transaction === undefined) return model
    this.#transactions.delete(txId)
    const got = this.#exchange(wire.XS_TRANSACTION_END, commit ? 'T\0' : 'F\0', txId)
    const next = model.copy()
    const repeats = transaction.steps.every(({ request, reply }) => next.apply(request, this.domid) === reply)
    const wanted = !commit || repeats ? 'OK\0' : 'EAGAIN\0'
    if (got !== wanted) finding(`d${this.domid} ends a transaction: ${shown(got)}, not ${shown(wanted)}`)
    return commit && repeats ? next : model
  }

  watch(path: string): void {
    if (this.#watches.size >= 8) return
    const token = `t${this.#lastToken++}`
    this.#watches.set(token, path)
    const got = this.#exchange(wire.XS_WATCH, `${path}\0${token}\0`, 0)
    demand(got === 'OK\0', 'a watch is refused')
    this.#serve()
    this.#collect()
    demand(this.#heard(path, token), 'a new watch does not fire')
  }

  unwatch(which: number): void {
    const [token, path] = [...this.#watches][which % Math.max(1, this.#watches.size)] ?? []
    if (token === undefined) return
    this.#watches.delete(token)
    const got = this.#exchange(wire.XS_UNWATCH, `${path}\0${token}\0`, 0)
    demand(got === 'OK\0', 'a watch cannot be ended')
    this.#events = this.#events.filter((event) => event.token !== token)
  }

  /** After a change of `path` that this client may read: each of its watches on the way up must have heard of it. */
  mustHear(path: string): void {
    this.#collect()
    for (const [token, watched] of this.#watches) {
      if (path !== watched && !path.startsWith(`${watched}/`)) continue
      if (!this.#heard(path, token)) finding(`d${this.domid} watches ${watched} and does not hear of ${path}`)
    }
  }

  forgetEvents(): void {
    this.#collect()
    this.#events = []
  }

  #heard(path: string, token: string): boolean {
    return this.#events.some((event) => event.path === path && event.token === token)
  }

  #pick(which: number): readonly [number, OpenTransaction | undefined] {
    return [...this.#transactions][which % (this.#transactions.size + 1)] ?? [0, undefined]
  }

  /** Puts a request, lets the server work, and takes answers as room and patience need. */
  #exchange(type: number, payload: string, txId: number): string {
    const reqId = ++this.#lastRequest
    const bytes = request(type, payload, reqId, txId)
    let answer: string | undefined
    let sent = 0
    for (let rounds = 0; answer === undefined; rounds++) {
      if (rounds > 64) finding(`d${this.domid} has no answer to request ${type}`)
      sent += this.guest.put(bytes.subarray(sent))
      this.#serve()
      answer = this.#collect(reqId, type)
    }
    return answer
  }

  #collect(reqId = -1, type = -1): string | undefined {
    let answer: string | undefined
    for (const message of this.guest.take()) {
      const text = message.payload
      if (message.type === wire.XS_WATCH_EVENT) this.#event(text)
      else {
        const fits = message.reqId === reqId && (message.type === type || message.type === wire.XS_ERROR)
        if (!fits) finding(`d${this.domid} gets an answer ${message.type} to ${message.reqId}, which it did not ask`)
        answer = text
      }
    }
    demand(this.guest.get(INDEX.error) === 0, 'a client that keeps to the protocol is told it broke it')
    return answer
  }

  #event(text: string): void {
    const [path = '', token = ''] = text.split('\0')
    const watched = this.#watches.get(token)
    // One whose watch has ended may have been on its way.
    if (watched === undefined) return
    if (path !== watched && !path.startsWith(`${watched}/`)) finding(`a watch on ${watched} fires for ${path}`)
    this.#events.push({ path, token })
  }
}

function payloadOf(request: ModelRequest): string {
  if (request.op === 'write') return `${request.path}\0${request.value}`
  if (request.op !== 'setPerms') return `${request.path}\0`
  return `${request.path}\0${request.perms.map(({ access, domid }) => `${access}${domid}\0`).join('')}`
}

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)
const told = (request: ModelRequest): string => `${request.op} ${request.path}`
