/**
 * xenstore's unix socket: programs of the host that send anything, in pieces of any size, leave without a word or do not
 * take their answers. Each whole request is answered once, in order, and the store stays sound.
 */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import * as wire from '../../../libs/core/src/abi/io/xs-wire.ts'
import { DeliveryQueue } from '../../../libs/core/src/xenstore/delivery-queue.ts'
import { Domains, type OpenRing } from '../../../libs/core/src/xenstore/domains.ts'
import { encodeMessage, MessageReader, type XsMessage } from '../../../libs/core/src/xenstore/message.ts'
import { RequestLog } from '../../../libs/core/src/xenstore/request-log.ts'
import { Store } from '../../../libs/core/src/xenstore/store.ts'
import { WatchTable } from '../../../libs/core/src/xenstore/watch.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'

const ACT = 16
const MOST_ACTS = 96
const PROGRAMS = 3
const HEADER = 16
/** What a program may have waiting for it: what the connection hands over before it stops, and a message more. */
const MOST_WAITING = 65_536 + 65_536 + HEADER + wire.XENSTORE_PAYLOAD_MAX

const PATHS: readonly string[] = [
  ...['/', '/a', '/a/b', '/a/b/c', '/a/b/c/d', '/local/domain/1', 'relative', '@releaseDomain', '@introduceDomain'],
  ...['@other', '/a//b', '/a/', '', 'data/..', '\xe9', `/${'x'.repeat(3071)}`, '/tool/xenstored'],
]
const WORDS: readonly string[] = [
  ...PATHS,
  ...['T', 'F', '0', '1', '2', 'r0', 'n1', 'b1', 'w99999', '-1', '0x1', '4294967296', 'v'.repeat(4000), 'token'],
]
/** Requests whose arguments are numbers of domains, frames and ports. */
const ABOUT_DOMAINS: readonly number[] = [8, 9, 10, 17, 18, 19]
const NUMBERS: readonly string[] = ['0', '1', '2', '3', '32751', '32752', '65535', '4294967296', '-1', 'x', '']
/** Words of CONTROL; `set` and its kind lead somewhere in this order only. */
const CONTROLS: readonly (readonly string[])[] = [
  ...[
    ['help'],
    ['check'],
    ['memreport'],
    ['quota'],
    ['quota', '1'],
    ['print', 'x\n\x1b'],
    ['log', 'on'],
    ['log', 'off'],
  ],
  ...[
    ['quota', 'set', 'nodes', '1'],
    ['quota', 'set', 'watches', '2'],
    ['quota', 'set', 'toString', '1'],
    ['quota', 'x'],
  ],
  ...[['quota', 'set', 'nodes', '999999999999'], ['__proto__'], ['quota', 'set'], ['']],
]

/** What of a socket the connection uses. */
class FakeSocket extends EventEmitter {
  readonly #got = new MessageReader()
  readonly received: XsMessage[] = []
  /** Whether the program takes what is sent to it. */
  taking = true
  paused = false
  destroyed = false
  #waiting: Buffer[] = []
  writableLength = 0

  write(bytes: Uint8Array): boolean {
    this.#waiting.push(Buffer.from(bytes))
    this.writableLength += bytes.length
    demand(this.writableLength <= MOST_WAITING, 'answers pile up for one who does not take them')
    if (this.taking) this.take()
    return this.writableLength === 0
  }

  take(): void {
    const all = Buffer.concat(this.#waiting.splice(0))
    this.writableLength = 0
    if (this.#got.read(all, (message) => this.received.push(message)) !== undefined)
      finding('an answer that is too long')
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  destroy(): void {
    this.destroyed = true
  }
}

class Program {
  readonly #domains: Domains
  socket: FakeSocket
  /** Requests whose answers have not been seen. */
  asked: XsMessage[] = []
  /** Bytes of a message that have not been sent. */
  rest: Buffer = Buffer.alloc(0)
  #requests = 0

  constructor(domains: Domains) {
    this.#domains = domains
    this.socket = this.#connect()
  }

  #connect(): FakeSocket {
    const socket = new FakeSocket()
    this.#domains.accept(socket as unknown as Socket)
    return socket
  }

  leave(): void {
    this.socket.emit('close')
    this.socket = this.#connect()
    this.asked = []
    this.rest = Buffer.alloc(0)
  }

  ask(type: number, txId: number, payload: string): void {
    const message = { type, txId, payload, reqId: ++this.#requests }
    this.asked.push(message)
    this.rest = Buffer.concat([this.rest, encodeMessage(message)])
  }

  send(count: number): void {
    if (this.socket.destroyed || this.socket.paused) return
    const bytes = this.rest.subarray(0, count)
    this.rest = this.rest.subarray(bytes.length)
    if (bytes.length > 0) this.socket.emit('data', bytes)
  }

  takeAll(): void {
    this.socket.taking = true
    // Each drain lets it hand over more.
    for (let turns = 0; this.socket.writableLength > 0 || this.socket.paused; turns++) {
      if (turns > 10_000) finding('answers without end')
      this.socket.take()
      this.socket.emit('drain')
    }
  }

  judge(): void {
    for (const { type, reqId, txId } of this.socket.received.splice(0)) {
      if (type === wire.XS_WATCH_EVENT && reqId === 0) continue
      const request = this.asked.shift()
      if (request === undefined) finding('an answer that nobody asked for')
      const fits = request.reqId === reqId && request.txId === txId && [request.type, wire.XS_ERROR].includes(type)
      if (!fits) finding(`request ${request.type}#${request.reqId} is answered by ${type}#${reqId}`)
    }
  }
}

class SocketJudge implements Judge {
  readonly #tape = new Tape()
  readonly #openRing: OpenRing

  constructor(openRing: OpenRing) {
    this.#openRing = openRing
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    const tasks: (() => void)[] = []
    const thrown = (error: unknown): never => {
      throw error
    }
    const watches = new WatchTable(new DeliveryQueue((drain) => void tasks.push(drain), thrown))
    const store: Store = new Store((changes) => watches.fireChanges(changes, store.tree.root))
    const defer = (task: () => void): void => void tasks.push(task)
    const log = new RequestLog((line) => demand(/^[ -~]*$/.test(line), 'the log has other than printable characters'))
    const domains = new Domains({ store, watches, defer, openRing: this.#openRing, log, failed: thrown })
    domains.attach(1, undefined)
    const programs = Array.from({ length: PROGRAMS }, () => new Program(domains))
    let acts = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT, acts++) {
      act(programs, this.#tape.open(bytes, at, at + ACT))
      for (const task of tasks.splice(0)) task()
    }
    for (const program of programs) settle(program)
    demand(domains.control('check', []).kind === 'ok', 'nodes are miscounted')
    return acts
  }
}

function act(programs: readonly Program[], tape: Tape): void {
  const program = tape.pick(programs)
  const kind = tape.below(16)
  if (kind === 0) program.leave()
  else if (kind === 1) program.socket.taking = false
  else if (kind === 2) program.takeAll()
  else if (kind === 3) garble(program, tape)
  else if (kind === 4) flood(program, tape)
  else {
    if (kind < 7) program.ask(wire.XS_CONTROL, 0, `${tape.pick(CONTROLS).join('\0')}\0`)
    else request(program, tape)
    program.send(tape.below(4) === 0 ? tape.below(64) : Number.POSITIVE_INFINITY)
  }
  program.judge()
}

function request(program: Program, tape: Tape): void {
  const type = tape.below(26)
  const txId = tape.below(3) ? 0 : tape.below(6)
  const [first, others] = ABOUT_DOMAINS.includes(type) ? [NUMBERS, NUMBERS] : [PATHS, WORDS]
  const words = Array.from({ length: tape.below(5) }, (_, n) => tape.pick(n === 0 ? first : others))
  program.ask(type, txId, (words.join('\0') + (tape.below(3) ? '\0' : '')).slice(0, wire.XENSTORE_PAYLOAD_MAX))
}

/** Many requests at once, each with a long answer. */
function flood(program: Program, tape: Tape): void {
  program.ask(wire.XS_WRITE, 0, `/big\0${'v'.repeat(4000)}`)
  for (let n = tape.below(64); n > 0; n--) program.ask(wire.XS_READ, 0, '/big\0')
  program.send(Number.POSITIVE_INFINITY)
}

/** A header that announces too much ends the connection, whatever came before it. */
function garble(program: Program, tape: Tape): void {
  if (program.rest.length > 0 || program.socket.paused) return
  const header = encodeMessage({ type: wire.XS_READ, reqId: 1, txId: 0, payload: '' })
  header.writeUInt32LE(wire.XENSTORE_PAYLOAD_MAX + 1 + (tape.u32() >>> 1), 12)
  program.rest = header
  program.send(HEADER)
  demand(program.socket.destroyed, 'one whose message is too long is still listened to')
  program.leave()
}

function settle(program: Program): void {
  while (program.rest.length > 0 || program.socket.paused) {
    program.takeAll()
    program.send(Number.POSITIVE_INFINITY)
  }
  program.takeAll()
  program.judge()
  demand(program.asked.length === 0, 'a request without an answer')
}

export function xenstoreSocketTarget(openRing: OpenRing = () => undefined): Target {
  return {
    name: 'xenstore-socket',
    input: 'one act at a socket',
    stride: ACT,
    life: 1 << 20,
    open: () => new SocketJudge(openRing),
  }
}
