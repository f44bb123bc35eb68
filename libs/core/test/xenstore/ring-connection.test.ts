import { describe, expect, test } from 'vitest'
import * as wire from '../../src/abi/io/xs-wire.ts'
import type { RingConnection } from '../../src/xenstore/ring-connection.ts'
import type { Xenstore } from '../../src/xenstore/xenstore.ts'
import { Xenstored } from '../../src/xenstore/xenstored.ts'
import { INDEX, request, StoreGuest, show } from './store-guest.ts'

interface Scene {
  readonly xenstored: Xenstored
  readonly dom0: Xenstore
  readonly guest: StoreGuest
  readonly ring: RingConnection
  /** Runs what was put off, and what that puts off. */
  settle(): void
  /** Sends a request, lets the store work, returns all that came back. */
  exchange(type: number, payload: string, reqId?: number): string[]
}

function scene(prepare: (guest: StoreGuest) => void = () => {}): Scene {
  const tasks: (() => void)[] = []
  const xenstored = new Xenstored({ defer: (task) => void tasks.push(task) })
  const settle = () => {
    for (let task = tasks.shift(); task; task = tasks.shift()) task()
  }
  const dom0 = xenstored.client()
  dom0.mkdir('/local/domain/3/data')
  dom0.setPerms('/local/domain/3', ['n0', 'r3'])
  dom0.setPerms('/local/domain/3/data', ['n3'])
  const guest = new StoreGuest()
  prepare(guest)
  const ring = xenstored.introduce(3, guest)
  const exchange = (type: number, payload: string, reqId = 1) => {
    expect(guest.put(request(type, payload, reqId))).toBe(16 + payload.length)
    ring.poke()
    settle()
    return guest.take().map(show)
  }
  return { xenstored, dom0, guest, ring, settle, exchange }
}

describe('the ring of a guest', () => {
  test('answers requests in order, each with one reply', () => {
    const { guest, ring, dom0 } = scene()
    guest.put(request(wire.XS_WRITE, 'data/a\0hello', 11))
    guest.put(request(wire.XS_READ, 'data/a\0', 12))
    guest.put(request(wire.XS_READ, 'data/b\0', 13))
    guest.put(request(99, '', 14))
    ring.poke()
    expect(guest.take().map(show)).toEqual(['11#11 OK|', '2#12 hello', '16#13 ENOENT|', '16#14 ENOSYS|'])
    expect(guest.notified).toBe(1)
    expect(dom0.read('/local/domain/3/data/a')).toBe('hello')
  })
  test('is served when requests were there before the introduction', () => {
    const { guest, settle } = scene((g) => g.put(request(wire.XS_GET_DOMAIN_PATH, '3\0')))
    settle()
    expect(guest.take().map(show)).toEqual(['10#0 /local/domain/3|'])
  })
  test.each([0, 0xffff_ff00, 0x7fff_ff00])('works where indices wrap (from %i)', (index) => {
    const { exchange } = scene((g) => g.startAt(index))
    for (let i = 0; i < 100; i++) expect(exchange(wire.XS_WRITE, `data/a\0${i}`)).toEqual(['11#1 OK|'])
    expect(exchange(wire.XS_READ, 'data/a\0')).toEqual(['2#1 99'])
  })
  test('takes a message in pieces', () => {
    const { guest, ring } = scene()
    const bytes = request(wire.XS_WRITE, `data/a\0${'x'.repeat(1900)}`)
    for (let at = 0; at < bytes.length; ) {
      at += guest.put(bytes.subarray(at, at + 7))
      expect(guest.take()).toEqual([])
      ring.poke()
    }
    expect(guest.take().map(show)).toEqual(['11#0 OK|'])
  })
  test('hands out a reply larger than itself as the guest takes it', () => {
    const { guest, ring, dom0 } = scene()
    dom0.write('/local/domain/3/big', 'y'.repeat(4000))
    guest.put(request(wire.XS_READ, 'big\0', 5))
    ring.poke()
    const replies = []
    for (let polls = 0; replies.length === 0; polls++) {
      expect(polls).toBeLessThan(20)
      replies.push(...guest.take(300))
      ring.poke()
    }
    expect(replies.map(show)).toEqual([`2#5 ${'y'.repeat(4000)}`])
  })
  test('leaves requests unread while replies pile up, and loses none', () => {
    const { guest, ring, dom0, settle } = scene()
    dom0.write('/local/domain/3/big', 'y'.repeat(4000))
    let sent = 0
    for (let polls = 0; polls < 100; polls++) {
      const bytes = request(wire.XS_READ, 'big\0', sent)
      if (guest.room < bytes.length) break
      sent += guest.put(bytes) / bytes.length
      ring.poke()
      settle()
    }
    // One whose reply has been started, 20 that wait, and those in the ring itself.
    expect(sent).toBeGreaterThan(20)
    expect(sent).toBeLessThan(22 + 1024 / 20)
    const seen: number[] = []
    for (let polls = 0; polls < 5000 && seen.length < sent; polls++) {
      seen.push(...guest.take().map(({ reqId }) => reqId))
      ring.poke()
    }
    expect(seen).toEqual(Array.from({ length: sent }, (_, i) => i))
  })
  test('announces its features and is connected', () => {
    const { guest } = scene((g) => g.set(INDEX.connection, 1))
    expect([guest.get(INDEX.features), guest.get(INDEX.connection), guest.get(INDEX.error)]).toEqual([3, 0, 0])
  })
  test('tells the owner of the memory what it wrote', () => {
    const { guest, exchange } = scene()
    guest.written.length = 0
    exchange(wire.XS_READ, 'data\0')
    expect(guest.written.sort(([a], [b]) => a - b)).toEqual([
      [0x400, 1024],
      [0x800, 4],
      [0x800, 4],
      [0x80c, 4],
    ])
  })
  test('is silent after the domain was released', () => {
    const { guest, ring, xenstored, settle, exchange } = scene()
    exchange(wire.XS_WATCH, 'data\0t\0')
    settle()
    xenstored.release(3)
    settle()
    const notified = guest.notified
    guest.put(request(wire.XS_READ, 'data\0'))
    ring.poke()
    settle()
    expect([guest.take(), guest.notified]).toEqual([[], notified])
  })
})

describe('watch events of a guest', () => {
  test('come after the reply, and without being asked for', () => {
    const { guest, dom0, settle, exchange } = scene()
    expect(exchange(wire.XS_WATCH, 'data\0tok\0')).toEqual(['4#1 OK|', '15#0 data|tok|'])
    const notified = guest.notified
    dom0.write('/local/domain/3/data/x', '1')
    dom0.write('/local/domain/3/data/y', '1')
    settle()
    expect(guest.take().map(show)).toEqual(['15#0 data/x|tok|', '15#0 data/y|tok|'])
    expect(guest.notified).toBe(notified + 1)
  })
  test('that equal one still waiting are left out', () => {
    const { guest, ring, dom0, settle, exchange } = scene()
    exchange(wire.XS_WATCH, 'data\0tok\0')
    for (let i = 0; i < 500; i++) dom0.write('/local/domain/3/data/x', String(i))
    settle()
    const events: string[] = []
    for (let polls = 0; polls < 100; polls++) {
      events.push(...guest.take().map(show))
      ring.poke()
    }
    expect(new Set(events)).toEqual(new Set(['15#0 data/x|tok|']))
    expect(events.length).toBeLessThan(40)
  })
  test('do not follow the end of the watch', () => {
    const { guest, ring, dom0, settle, exchange } = scene()
    exchange(wire.XS_WATCH, 'data\0tok\0')
    for (let i = 0; i < 200; i++) dom0.write(`/local/domain/3/data/x${i}`, '')
    settle()
    guest.put(request(wire.XS_UNWATCH, 'data\0tok\0', 9))
    const shown: string[] = []
    for (let polls = 0; polls < 20; polls++) {
      ring.poke()
      shown.push(...guest.take().map(show))
    }
    expect(shown.at(-1)).toBe('5#9 OK|')
    expect(shown.length).toBeLessThan(60)
  })
  test('are dropped and counted beyond the backlog of a guest that does not read', () => {
    const { guest, ring, dom0, settle, exchange, xenstored } = scene()
    xenstored.setQuota('event-bytes', 1000)
    exchange(wire.XS_WATCH, 'data\0tok\0')
    for (let i = 0; i < 500; i++) dom0.write(`/local/domain/3/data/x${i}`, '')
    settle()
    let seen = 0
    for (let polls = 0; polls < 20; polls++) {
      seen += guest.take().length
      ring.poke()
    }
    expect(seen).toBeGreaterThan(20)
    expect(seen + ring.droppedEvents).toBe(500)
  })
})

describe('a guest that breaks the protocol is disconnected, with the reason', () => {
  const breaches: [name: string, error: number, reason: RegExp, act: (guest: StoreGuest) => void][] = [
    ['request index too far', 2, /request producer/, (g) => g.set(INDEX.reqProd, g.get(INDEX.reqCons) + 1025)],
    ['request index behind', 2, /request producer/, (g) => g.set(INDEX.reqProd, g.get(INDEX.reqCons) - 1)],
    [
      'reply index ahead',
      2,
      /reply consumer/,
      (g) => {
        g.put(request(wire.XS_READ, 'data\0'))
        g.set(INDEX.rspCons, g.get(INDEX.rspProd) + 1)
      },
    ],
    ['message too long', 3, /XENSTORE_PAYLOAD_MAX/, (g) => g.put(headerWithLength(4097))],
    ['message as long as can be', 3, /XENSTORE_PAYLOAD_MAX/, (g) => g.put(headerWithLength(0xffff_ffff))],
  ]
  function headerWithLength(length: number): Uint8Array {
    const bytes = request(wire.XS_READ, '')
    bytes.writeUInt32LE(length, 12)
    return bytes
  }

  test.each(breaches)('%s', (_, error, reason, act) => {
    const { guest, ring, exchange, dom0, settle } = scene()
    exchange(wire.XS_WATCH, 'data\0t\0')
    act(guest)
    ring.poke()
    expect(ring.stopped).toMatch(reason)
    expect(guest.get(INDEX.error)).toBe(error)
    const { notified } = guest
    dom0.write('/local/domain/3/data/x', '')
    ring.poke()
    settle()
    expect(guest.notified).toBe(notified)
  })
  test('and may reconnect, without its old watches and transactions', () => {
    const { guest, ring, exchange, dom0, settle } = scene()
    exchange(wire.XS_WATCH, 'data\0t\0')
    exchange(wire.XS_TRANSACTION_START, '\0')
    guest.set(INDEX.reqProd, 12345)
    ring.poke()
    expect(ring.stopped).toBeDefined()
    guest.set(INDEX.connection, wire.XENSTORE_RECONNECT)
    ring.poke()
    expect([INDEX.reqCons, INDEX.reqProd, INDEX.rspCons, INDEX.rspProd].map((word) => guest.get(word))).toEqual([
      0, 0, 0, 0,
    ])
    expect([guest.get(INDEX.connection), guest.get(INDEX.error), ring.stopped]).toEqual([0, 0, undefined])
    dom0.write('/local/domain/3/data/x', '7')
    settle()
    expect(exchange(wire.XS_READ, 'data/x\0')).toEqual(['2#1 7'])
    guest.put(request(wire.XS_TRANSACTION_END, 'T\0', 2, 1))
    ring.poke()
    expect(guest.take().map(show)).toEqual(['16#2 ENOENT|'])
  })
  test('but does not move our index by writing it', () => {
    const { guest, exchange } = scene()
    exchange(wire.XS_READ, 'data\0')
    guest.set(INDEX.reqCons, 0xdead)
    guest.set(INDEX.reqCons, 21)
    guest.set(INDEX.rspProd, 16)
    expect(exchange(wire.XS_WRITE, 'data/z\0a')).toEqual(['11#1 OK|'])
  })
  test('and one that never stops writing leaves domain 0 to others in between', () => {
    const guest = new StoreGuest()
    const question = request(wire.XS_GET_DOMAIN_PATH, '4\0')
    let moves = 0
    // Another vCPU: takes replies and asks again whenever we move an index, in the middle of a poke.
    const askOn = () => {
      if (++moves > 100_000) return
      guest.take()
      if (guest.room >= question.length) guest.put(question)
    }
    const tasks: (() => void)[] = []
    const xenstored = new Xenstored({ defer: (task) => void tasks.push(task) })
    guest.put(question)
    const ring = xenstored.introduce(4, { page: { ...guest.page, commit: askOn }, notify: guest.notify })
    tasks.length = 0
    ring.poke()
    expect(moves).toBeLessThan(10_000)
    expect(tasks).toHaveLength(1)
  })
})
