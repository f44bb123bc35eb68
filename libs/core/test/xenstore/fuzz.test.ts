import { expect, test } from 'vitest'
import { XS_ERROR } from '../../src/abi/io/xs-wire.ts'
import { encodeMessage, INCOMPLETE, MessageReader, OVERSIZED, type XsMessage } from '../../src/xenstore/message.ts'
import { payloadOf } from '../../src/xenstore/reply.ts'
import { OPERATIONS } from '../../src/xenstore/request.ts'
import { Xenstored } from '../../src/xenstore/xenstored.ts'
import { INDEX, request, StoreGuest } from './store-guest.ts'

/** The same numbers on each run (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const WORDS = [
  '',
  '/',
  '@releaseDomain',
  '/local/domain/1',
  'data',
  'data/a',
  '/a//b',
  'T',
  'F',
  '0',
  '1',
  'r0',
  'n1',
  'b1',
  'w99999',
  '-1',
  'é',
  '0x1',
  '4294967296',
  'x'.repeat(3000),
]

/** Payloads near what the protocol expects, and far from it. */
function payload(next: (below: number) => number): string {
  if (next(4) === 0) return String.fromCharCode(...Array.from({ length: next(40) }, () => next(256)))
  const words = Array.from({ length: next(5) }, () => WORDS[next(WORDS.length)]!)
  return (words.join('\0') + (next(3) ? '\0' : '')).slice(0, 4096)
}

test('whatever a guest asks, it gets one well-formed reply, and only its own nodes change', () => {
  const next = random(1)
  const guest = new StoreGuest()
  const xenstored = new Xenstored({ defer: () => {} })
  const dom0 = xenstored.client()
  dom0.write('/outside', '1')
  xenstored.introduce(1, guest)
  const wrong: unknown[] = []
  for (let i = 0; i < 10_000; i++) {
    if (i % 100 === 0) {
      dom0.mkdir('/local/domain/1/data')
      dom0.setPerms('/local/domain/1/data', ['n1'])
    }
    const message = { type: next(26), reqId: i, txId: next(4) ? 0 : next(12), payload: payload(next) }
    const reply = exchange(xenstored, guest, encodeMessage(message))
    const fits = reply?.type === message.type || reply?.type === XS_ERROR
    if (!fits || reply?.reqId !== message.reqId || reply?.txId !== message.txId) wrong.push({ message, reply })
  }
  expect(wrong).toEqual([])
  expect(dom0.ls('/')).toEqual(['tool', 'outside', 'local'])
  expect(dom0.ls('/local/domain')).toEqual(['1'])
  expect(dom0.read('/outside')).toBe('1')
})

function exchange(xenstored: Xenstored, guest: StoreGuest, bytes: Uint8Array): XsMessage | undefined {
  const replies: XsMessage[] = []
  for (let sent = 0, rounds = 0; replies.length === 0 && rounds < 20; rounds++) {
    sent += guest.put(bytes.subarray(sent))
    xenstored.poke(1)
    replies.push(...guest.take())
  }
  expect(replies).toHaveLength(1)
  return replies[0]
}

test('decoders take any payload of any operation', () => {
  const next = random(2)
  for (const { decode } of OPERATIONS.values()) {
    for (let i = 0; i < 500; i++) {
      const decoded = decode(payload(next))
      expect(decoded === undefined || typeof decoded.op === 'string').toBe(true)
    }
  }
})

test('messages come out as they went in, however the stream is cut', () => {
  const next = random(3)
  const sent = Array.from({ length: 300 }, (_, reqId) => ({
    type: next(30),
    reqId,
    txId: next(9),
    payload: payload(next),
  }))
  const stream = Buffer.concat(sent.map(encodeMessage))
  const reader = new MessageReader()
  const received: unknown[] = []
  for (let at = 0; at < stream.length; ) {
    const piece = stream.subarray(at, at + 1 + next(Math.min(reader.room.length, 1 + next(500))))
    reader.room.set(piece)
    at += piece.length
    const message = reader.advance(piece.length)
    expect(message).not.toBe(OVERSIZED)
    if (message !== INCOMPLETE) received.push(message)
  }
  expect(received).toEqual(sent)
})

test('no part of a directory exceeds a message', () => {
  const list = Array.from({ length: 3000 }, (_, i) => `n${i}\0`).join('')
  for (let offset = 0; offset < 20_000; offset += 37) {
    const part = payloadOf({ kind: 'part', generation: 2 ** 40, list, offset })
    expect(part.length).toBeLessThanOrEqual(4096)
  }
})

test.each([4, 5, 6, 7])('a ring of garbage throws nothing, stays in its page and does not spin (seed %i)', (seed) => {
  const next = random(seed)
  const tasks: (() => void)[] = []
  const guest = new StoreGuest()
  const xenstored = new Xenstored({ defer: (task) => void tasks.push(task) })
  const xs = xenstored.client()
  xs.mkdir('/local/domain/1/data')
  xs.setPerms('/local/domain/1/data', ['n1'])
  const ring = xenstored.introduce(1, guest)
  const words = Object.values(INDEX)
  const acts: (() => void)[] = [
    () => guest.set(words[next(words.length)]!, next(2) ? next(0x1_0000_0000) : next(1100)),
    () => void guest.page.bytes.fill(next(256), next(2048), next(2048)),
    () => void guest.put(request(next(24), payload(next), 1, next(3))),
    () => void guest.put(request(4, `data\0${next(20)}\0`)),
    () => xs.write(`/local/domain/1/data/${next(30)}`, 'x'),
    () => guest.set(INDEX.rspCons, guest.get(INDEX.rspProd)),
    () => guest.set(INDEX.connection, 1),
  ]
  for (let i = 0; i < 3000; i++) {
    acts[next(acts.length)]!()
    ring.poke()
    for (let budget = 100, task = tasks.shift(); task; task = tasks.shift()) {
      expect(--budget).toBeGreaterThan(0)
      task()
    }
  }
  const memory = new Uint8Array(guest.memory)
  expect([memory.subarray(0, 4096), memory.subarray(8192)].every((part) => part.every((byte) => byte === 0))).toBe(true)
  for (const [offset, length] of guest.written) expect(offset + length).toBeLessThanOrEqual(4096)
})
