/**
 * The xenstore rings: one guest that writes anything into its ring, and two that keep to the protocol and are answered
 * exactly as a model of the tree says, whatever the first one does. The first one's quotas hold, its nodes are the only
 * ones it changes, and its ring is served in bounded time.
 */
import { DeliveryQueue } from '../../../libs/core/src/xenstore/delivery-queue.ts'
import { Domains } from '../../../libs/core/src/xenstore/domains.ts'
import { lookup } from '../../../libs/core/src/xenstore/node.ts'
import { namesOf, type XsPath } from '../../../libs/core/src/xenstore/path.ts'
import { type Access, type Perm, type Perms, parsePerms } from '../../../libs/core/src/xenstore/perms.ts'
import type { Reply } from '../../../libs/core/src/xenstore/reply.ts'
import type { PathRequest } from '../../../libs/core/src/xenstore/request.ts'
import { RequestLog } from '../../../libs/core/src/xenstore/request-log.ts'
import type { RingConnection } from '../../../libs/core/src/xenstore/ring-connection.ts'
import { Store } from '../../../libs/core/src/xenstore/store.ts'
import { WatchTable } from '../../../libs/core/src/xenstore/watch.ts'
import { INDEX, request, StoreGuest } from '../../../libs/core/test/xenstore/store-guest.ts'
import type { Random } from '../random.ts'
import { Tape } from '../tape.ts'
import { demand, finding, type Judge, type Target } from '../target.ts'
import { whileChanging } from './changing-page.ts'
import { ModelClient } from './model-client.ts'
import { type ModelRequest, StoreModel } from './store-model.ts'

const ACT = 16
const MOST_ACTS = 96
const HOSTILE = 1
const CLIENTS = [2, 3] as const
const MOST_TASKS = 2000
const EMPTY = new Uint8Array(4096)
const DOM0 = { domid: 0, privileged: true }

/** The part of the tree that the well-behaved see; the hostile guest may do nothing there. */
const START: readonly (readonly [path: string, perms: string])[] = [
  ['/shared', 'r0 n1'],
  ['/shared/both', 'b0 n1'],
  ['/shared/mine', 'n2 r3 n1'],
  ['/shared/yours', 'r3 n1'],
  ['/local/domain/2/data', 'n2'],
  ['/local/domain/3/data', 'r3 n1'],
]
const HOSTILE_HOME = '/local/domain/1/data'
const NAMES: readonly string[] = ['a', 'b', 'c', 'a/a', 'a/b', 'b/c/d', 'a/b/c/d/e', 'x-y_@']
const ACCESS: readonly Access[] = ['n', 'r', 'w', 'b']

/** Payloads near what the protocol expects. */
const WORDS: readonly string[] = [
  ...['', '/', '@releaseDomain', '@introduceDomain', HOSTILE_HOME, 'data', 'data/a', 'data/a/b/c', '/a//b', 'T', 'F'],
  ...['0', '1', '2', '3', 'r0', 'n1', 'b1', 'w99999', '-1', '\xe9', '0x1', '4294967296', 'x'.repeat(3000)],
  ...['/shared', '/shared/mine', '/local/domain/2/data', '/tool/xenstored', '/', 'data/..', 'data/a/'],
]
const WORD_INDEXES: readonly number[] = Object.values(INDEX)

/** What carries out requests; a test gives a wrong one. */
export type Interpose = (apply: (request: PathRequest) => Reply, request: PathRequest) => Reply

class World {
  readonly #tasks: (() => void)[] = []
  readonly #queue = new DeliveryQueue(
    (drain) => void this.#tasks.push(drain),
    (error) => {
      throw error
    },
  )
  readonly #watches = new WatchTable(this.#queue)
  readonly store: Store = new Store((changes) => this.#watches.fireChanges(changes, this.store.tree.root))
  readonly #domains = new Domains({
    store: this.store,
    watches: this.#watches,
    defer: (task) => void this.#tasks.push(task),
    openRing: () => undefined,
    log: new RequestLog(() => {}),
    failed: (error) => {
      throw error
    },
  })
  readonly hostile = new StoreGuest()
  readonly ring: RingConnection
  readonly clients: readonly ModelClient[]
  model: StoreModel

  constructor(interpose?: Interpose) {
    if (interpose !== undefined) {
      const apply = this.store.apply.bind(this.store)
      this.store.apply = (request, who) => interpose((inner) => apply(inner, who), request)
    }
    this.model = new StoreModel([])
    for (const [path, perms] of START) {
      this.#plant(path, perms)
      this.model.nodes.set(path, { value: '', perms: parsePerms(perms.split(' '))! })
    }
    this.#plant(HOSTILE_HOME, 'n1')
    this.#domains.attach(HOSTILE, this.hostile)
    this.ring = this.#domains.ringOf(HOSTILE)!
    this.clients = CLIENTS.map((domid) => {
      const client = new ModelClient(domid, () => {
        this.#domains.ringOf(domid)!.poke()
        this.settle()
      })
      this.#domains.attach(domid, client.guest)
      return client
    })
    this.settle()
  }

  #plant(path: string, perms: string): void {
    this.store.apply({ op: 'mkdir', path }, DOM0)
    this.store.apply({ op: 'setPerms', path, perms: parsePerms(perms.split(' ')) as Perms }, DOM0)
  }

  /** Everything deferred is done; the hostile guest's poke may defer itself, so often and no more. */
  settle(): void {
    for (let done = 0, task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      if (++done > MOST_TASKS) finding('the store never comes to rest')
      task()
    }
  }
}

class XenstoreJudge implements Judge {
  readonly #tape = new Tape()
  readonly #interpose: Interpose | undefined

  constructor(interpose?: Interpose) {
    this.#interpose = interpose
  }

  make(random: Random): Uint8Array {
    return random.fill(new Uint8Array(ACT * (1 + random.below(MOST_ACTS))))
  }

  judge(bytes: Uint8Array): number {
    const world = new World(this.#interpose)
    let acts = 0
    for (let at = 0; at + ACT <= bytes.length; at += ACT, acts++) {
      const tape = this.#tape.open(bytes, at, at + ACT)
      const kind = tape.below(16)
      if (kind < 8) behave(world, tape)
      else misbehave(world, tape)
    }
    check(world)
    return acts
  }
}

/** A client asks something, by the protocol. */
function behave(world: World, tape: Tape): void {
  const client = tape.pick(world.clients)
  const kind = tape.below(16)
  const path = tape.below(8) === 0 ? tape.pick(START)[0] : `${tape.pick(START)[0]}/${tape.pick(NAMES)}`
  client.startModel = world.model
  if (kind === 0) client.begin()
  else if (kind === 1) world.model = client.end(world.model, 1 + tape.byte(), tape.below(4) > 0)
  else if (kind === 2) client.watch(path)
  else if (kind === 3) client.unwatch(tape.byte())
  else {
    for (const other of world.clients) other.forgetEvents()
    const asked = requestOf(kind, path, tape)
    const which = tape.byte()
    const reply = client.ask(world.model, asked, which)
    if (asked.op !== 'write' || reply !== 'OK\0') return
    world.settle()
    for (const other of world.clients) if (world.model.mayRead(path, other.domid)) other.mustHear(path)
  }
}

function requestOf(kind: number, path: string, tape: Tape): ModelRequest {
  if (kind < 9) return { op: 'write', path, value: String.fromCharCode(33 + tape.below(90)).repeat(valueLength(tape)) }
  if (kind === 9) return { op: 'setPerms', path, perms: permsOf(tape) }
  return { op: (['read', 'directory', 'getPerms', 'mkdir', 'rm', 'read'] as const)[kind - 10]!, path }
}

const valueLength = (tape: Tape): number => (tape.below(8) === 0 ? tape.below(2200) : tape.below(12))

function permsOf(tape: Tape): Perm[] {
  const count = 1 + (tape.below(8) === 0 ? tape.below(7) : tape.below(3))
  const perms = Array.from({ length: count }, () => ({ domid: tape.below(4), access: tape.pick(ACCESS) }))
  // The hostile guest has no rights here, whoever owns a node.
  return [{ ...perms[0]!, access: 'n' }, ...perms.slice(1).filter(({ domid }) => domid !== HOSTILE)]
}

/** The hostile guest does something to its ring. */
function misbehave({ hostile, ring }: World, tape: Tape): void {
  const kind = tape.below(12)
  if (kind < 4) hostile.put(message(tape))
  else if (kind === 4) hostile.set(tape.pick(WORD_INDEXES), tape.below(2) ? tape.u32() : tape.below(1100))
  else if (kind === 5) hostile.page.bytes.fill(tape.byte(), tape.below(2048), 2048 + tape.below(64))
  else if (kind === 6) hostile.set(INDEX.rspCons, hostile.get(INDEX.rspProd))
  else if (kind === 7) hostile.set(INDEX.connection, tape.below(3))
  else if (kind === 8) flood(hostile, tape.byte(), (n) => request(4, `data\0w${n}\0`))
  else if (kind === 9) flood(hostile, tape.byte(), (n) => request(11, `data/n${n}\0v`, n, n & 1))
  else if (kind === 10) hostile.set(INDEX.connection, 1)
  else changingPoke(hostile, ring, tape)
  ring.poke()
  demand(
    hostile.written.every(([at, length]) => at >= 0 && at + length <= 4096),
    'a commit outside the page',
  )
  hostile.written.length = 0
}

/** Messages until the ring is full; the last is torn. */
function flood(hostile: StoreGuest, count: number, message: (n: number) => Uint8Array): void {
  for (let n = count; n > 0; n--) if (hostile.put(message(n)) === 0) return
}

function changingPoke(hostile: StoreGuest, ring: RingConnection, tape: Tape): void {
  const seed = tape.u32() | 1
  let turns = 0
  whileChanging(
    hostile.page.words,
    (index) => {
      turns++
      hostile.set(index, hostile.get(index) + (Math.imul(seed, turns) >>> (turns & 3 ? 24 : 8)))
    },
    () => ring.poke(),
  )
  demand(turns < 100_000, 'one poke reads the indices without end')
}

function message(tape: Tape): Uint8Array {
  const type = tape.below(26)
  const [reqId, txId] = [tape.byte(), tape.below(4) ? 0 : tape.below(12)]
  if (tape.below(8) === 0) return tape.bytes(10)
  const words = Array.from({ length: tape.below(5) }, () => tape.pick(WORDS))
  const whole = request(type, (words.join('\0') + (tape.below(3) ? '\0' : '')).slice(0, 4096), reqId, txId)
  if (tape.below(16) === 0) whole.writeUInt32LE(tape.u32() % 9000, 12)
  return tape.below(16) === 0 ? whole.subarray(0, tape.below(whole.length)) : whole
}

/** The whole tree, as the model says; what the hostile guest has is its own, and within its quota. */
function check({ store, model, hostile }: World): void {
  const { root, owned } = store.tree
  for (const [path, { value, perms }] of model.nodes) {
    const node = lookup(root, namesOf(path as XsPath))
    if (node === undefined) finding(`${path} is gone`)
    demand(Buffer.from(node.value).toString('latin1') === value, 'a value is not the one written')
    demand(JSON.stringify(node.perms) === JSON.stringify(perms), 'permissions are not those set')
    const children = [...model.nodes.keys()].filter((at) => at.slice(0, at.lastIndexOf('/')) === path)
    if (node.children.size !== children.length) finding(`${path} has ${node.children.size} children`)
  }
  for (const [domid, count] of owned) demand(count >= 0 && count <= 1000 && domid <= 3, 'nodes beyond a quota')
  for (const domid of CLIENTS) demand((owned.get(domid) ?? 0) === model.owned(domid), 'nodes are miscounted')
  demand([...root.children.keys()].join() === 'tool,shared,local', 'a node at the top that nobody may make')
  for (const at of [0, 2 * EMPTY.length]) {
    const beside = new Uint8Array(hostile.memory, at, EMPTY.length)
    demand(Buffer.compare(beside, EMPTY) === 0, 'written outside the page')
  }
}

export function xenstoreTarget(interpose?: Interpose): Target {
  return {
    name: 'xenstore',
    input: 'one act on a ring',
    stride: ACT,
    life: 1 << 20,
    open: () => new XenstoreJudge(interpose),
  }
}
