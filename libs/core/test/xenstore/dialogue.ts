import * as wire from '../../src/abi/io/xs-wire.ts'
import type { Place } from './place.ts'
import type { WireClient } from './wire-client.ts'

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
  event: wire.XS_WATCH_EVENT,
  error: wire.XS_ERROR,
  introduced: wire.XS_IS_DOMAIN_INTRODUCED,
  resume: wire.XS_RESUME,
  target: wire.XS_SET_TARGET,
  restrict: 20,
  resetWatches: wire.XS_RESET_WATCHES,
  part: wire.XS_DIRECTORY_PART,
  unknown: 100,
}

/**
 * One line of a dialogue: `WHO[.TX] VERB ARG... -> REPLY`. WHO is a letter and a domain's number: `d0` and `e0` are two
 * programs of the host, `d1` the guest 1. TX counts the transactions that WHO has started. Arguments end with a NUL each,
 * but for a write's value; `VERB~` sends none after the last. `''` is nothing, `{x*9}` nine times x. A reply's NULs read
 * as `|`, its line feeds as `;`, and an error as its name alone. `WHO hears PATH TOKEN, ...`: the events that have come
 * since it was last asked. `WHO leaves`: the program ends. `WHO dies`: the guest shuts down by itself.
 */
export type Line = string

interface Speaker {
  readonly client: WireClient
  /** Numbers of transactions, in the order in which they were started. */
  readonly transactions: number[]
}

export class Dialogue {
  readonly #place: Place
  readonly #speakers = new Map<string, Speaker>()

  constructor(place: Place) {
    this.#place = place
  }

  /** The lines as they come out. */
  async play(lines: readonly Line[]): Promise<string[]> {
    const played: string[] = []
    for (const line of lines) played.push(await this.#line(line))
    return played
  }

  /** The reply to one line without `->`. */
  async ask(line: Line): Promise<string> {
    const [who = '', verb = '', ...args] = line.split(' ').map(unfolded)
    const [name = '', txText = '0'] = who.split('.')
    const speaker = this.#speaker(name)
    const nth = Number(txText)
    const txId = nth === 0 ? 0 : (speaker.transactions[nth - 1] ?? 0x7fff_0000 + nth)
    const bare = verb.endsWith('~')
    const type = TYPES[bare ? verb.slice(0, -1) : verb]
    if (type === undefined) throw new Error(`no verb: ${line}`)
    const payload = args.join('\0') + (bare || type === wire.XS_WRITE ? '' : '\0')
    const answer = await speaker.client.ask(type, txId, payload)
    if (answer === undefined) return 'silence'
    const text = answer.payload
    if (answer.type === wire.XS_ERROR) return errorName(text)
    if (type !== wire.XS_TRANSACTION_START) return text.replaceAll('\0', '|').replaceAll('\n', ';')
    speaker.transactions.push(Number(text.slice(0, -1)))
    return `${speaker.transactions.length}|`
  }

  async #line(line: Line): Promise<string> {
    const [said = ''] = line.split(' ->')
    const [who = '', verb] = said.split(' ')
    switch (verb) {
      case 'hears':
        return folded(`${who} hears ${(await this.#speaker(who).client.events()).join(', ')}`.trimEnd())
      case 'leaves':
        await this.#speaker(who).client.leave()
        this.#speakers.delete(who)
        return line
      case 'dies':
        await this.#place.shutDown(Number(who.slice(1)))
        return line
      default:
        return `${said} -> ${folded(await this.ask(said))}`.trimEnd()
    }
  }

  #speaker(name: string): Speaker {
    const known = this.#speakers.get(name)
    if (known !== undefined) return known
    const domid = Number(name.slice(1))
    const client = domid === 0 ? this.#place.program() : this.#place.guest(domid)
    const speaker = { client, transactions: [] }
    this.#speakers.set(name, speaker)
    return speaker
  }
}

function unfolded(text: string): string {
  return text === "''" ? '' : text.replaceAll(/\{(.)\*(\d+)\}/g, (_, letter, count) => letter.repeat(Number(count)))
}

/** Letters without end, as they are written in a dialogue. */
function folded(text: string): string {
  return text.replaceAll(/(.)\1{99,}/g, (run, letter) => `{${letter}*${run.length}}`)
}

function errorName(text: string): string {
  if (!/^E[A-Z0-9]+\0$/.test(text)) throw new Error(`not an error's payload: ${JSON.stringify(text)}`)
  return text.slice(0, -1)
}
