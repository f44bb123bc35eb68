import * as wire from '../../src/abi/io/xs-wire.ts'
import { DeliveryQueue } from '../../src/xenstore/delivery-queue.ts'
import { Domains } from '../../src/xenstore/domains.ts'
import { MessageReader, type XsMessage } from '../../src/xenstore/message.ts'
import { serveMessage } from '../../src/xenstore/serve.ts'
import { Session } from '../../src/xenstore/session.ts'
import { Store } from '../../src/xenstore/store.ts'
import { WatchTable } from '../../src/xenstore/watch.ts'

const TYPES: Readonly<Record<string, number>> = {
  control: wire.XS_CONTROL,
  ls: wire.XS_DIRECTORY,
  read: wire.XS_READ,
  getPerms: wire.XS_GET_PERMS,
  watch: wire.XS_WATCH,
  unwatch: wire.XS_UNWATCH,
  start: wire.XS_TRANSACTION_START,
  end: wire.XS_TRANSACTION_END,
  introduce: wire.XS_INTRODUCE,
  release: wire.XS_RELEASE,
  path: wire.XS_GET_DOMAIN_PATH,
  write: wire.XS_WRITE,
  mkdir: wire.XS_MKDIR,
  rm: wire.XS_RM,
  setPerms: wire.XS_SET_PERMS,
  introduced: wire.XS_IS_DOMAIN_INTRODUCED,
  resume: wire.XS_RESUME,
  target: wire.XS_SET_TARGET,
  resetWatches: wire.XS_RESET_WATCHES,
  part: wire.XS_DIRECTORY_PART,
}

/**
 * One line of a dialogue: `WHO[.TX] VERB ARG... -> REPLY`, or `WHO hears PATH TOKEN, ...` for the events that have come
 * since last asked. A reply's NULs read as `|`; an error reads as its name.
 */
export type Line = string

/** A store and its clients, by wire messages only. */
export class Dialogue {
  readonly #queue = new DeliveryQueue(
    () => {},
    (error) => {
      throw error
    },
  )
  readonly watches: WatchTable = new WatchTable(this.#queue)
  readonly store: Store = new Store((changes) => this.watches.fireChanges(changes, this.store.tree.root))
  readonly domains: Domains = new Domains(
    this.store,
    this.watches,
    (task) => this.#queue.push(task),
    () => undefined,
  )
  readonly #sessions = new Map<number, Session>()
  readonly #heard = new Map<number, string[]>()

  /** The reply of each line that asks, for comparison with what it says. */
  play(lines: readonly Line[]): string[] {
    return lines.map((line) => this.#line(line))
  }

  ask(domid: number, txId: number, verb: string, payload: string): string {
    const message: XsMessage = { type: TYPES[verb]!, reqId: 7, txId, payload: Buffer.from(payload, 'latin1') }
    const bytes = serveMessage(this.store, this.domains, this.session(domid), message)
    return Buffer.from(parse(bytes).payload).toString('latin1')
  }

  session(domid: number): Session {
    const known = this.#sessions.get(domid)
    if (known) return known
    const heard: string[] = []
    const session = new Session(this.store, this.watches, { domid, privileged: domid === 0 }, ({ token }, path) =>
      heard.push(`${path} ${token}`),
    )
    this.#sessions.set(domid, session)
    this.#heard.set(domid, heard)
    return session
  }

  #line(line: Line): string {
    const [who = '', verb = '', ...rest] = line.split(' ->')[0]!.split(' ')
    const [domid = 0, txId = 0] = who.slice(1).split('.').map(Number)
    if (verb === 'hears') {
      this.#queue.drain()
      return `${who} hears ${this.#heard.get(domid)!.splice(0).join(', ')}`.trimEnd()
    }
    const args = rest.map((arg) => (arg === "''" ? '' : arg))
    const unterminated = verb === 'write'
    const payload = args.join('\0') + (unterminated ? '' : '\0')
    const reply = this.ask(domid, txId, verb, payload)
    return `${line.split(' ->')[0]} -> ${reply.replaceAll('\0', '|')}`.trimEnd()
  }
}

/** A whole message. */
export function parse(bytes: Uint8Array): XsMessage {
  const reader = new MessageReader()
  for (let at = 0; at < bytes.length; ) {
    const { room } = reader
    const piece = bytes.subarray(at, at + room.length)
    room.set(piece)
    at += piece.length
    const message = reader.advance(piece.length)
    if (typeof message === 'object') return message
  }
  throw new Error('not a whole message')
}
