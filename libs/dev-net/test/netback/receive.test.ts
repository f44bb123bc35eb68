import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { packet } from '../offload/packets.ts'
import { CardOnNetwork } from './card-on-network.ts'
import type { Received } from './scripted-front.ts'

const ERROR = -1
const [VALIDATED, CSUM_BLANK, EXTRA] = [1, 2, 8]

let card: CardOnNetwork
beforeEach(async () => {
  card = new CardOnNetwork()
  await card.connect()
})

const bytesOf = (received: (Received | number)[]): Buffer[] =>
  received.map((each) => Buffer.from((each as Received).bytes))

describe('what a guest receives', () => {
  it('is in its pages, with one event for a batch', () => {
    card.front.post(20)
    const frames = [randomBytes(60), randomBytes(1514), randomBytes(4096)]
    for (const bytes of frames) card.network.owner?.receive({ bytes, checksum: 'unknown', gso: undefined })
    expect(card.guest.takeEvents()).toEqual([])
    card.network.owner?.flush()
    expect(card.guest.takeEvents()).toEqual([card.front.rxPort])
    const received = card.front.received()
    expect(bytesOf(received)).toEqual(frames)
    expect(received).toMatchObject([{ flags: 0, slots: 1 }, { slots: 1 }, { slots: 1 }])
    expect(card.guest.held.grants).toBe(2)
    expect([...card.guest.written.values()].sort((a, b) => a - b)).toEqual([60, 1514, 4096])
  })

  it.each([
    ['unknown', 0],
    ['valid', VALIDATED],
    ['partial', VALIDATED | CSUM_BLANK],
  ] as const)('says that a checksum is %s', (checksum, flags) => {
    card.front.post(1)
    card.network.give(packet({ version: 4, protocol: 'udp', payload: randomBytes(9) }), { checksum })
    expect(card.front.received()).toMatchObject([{ flags, gso: undefined }])
  })

  it('longer than a page is in several, with what is to be said of segments behind the first', () => {
    card.front.post(40)
    const bytes = packet({ version: 4, protocol: 'tcp', payload: randomBytes(65_000) })
    card.network.give(bytes, { checksum: 'partial', gso: { type: 'tcpv4', size: 1448 } })
    card.network.give(bytes.subarray(0, 5000), { checksum: 'partial', gso: { type: 'tcpv6', size: 1000 } })
    const received = card.front.received()
    expect(received).toMatchObject([
      { flags: VALIDATED | CSUM_BLANK | EXTRA, slots: 17, gso: { type: 1, size: 1448 } },
      { slots: 3, gso: { type: 2, size: 1000 } },
    ])
    expect(bytesOf(received)[0]?.equals(bytes)).toBe(true)
  })

  it('waits for room in the order that it came, and is dropped only when too much waits', () => {
    const frames = Array.from({ length: 900 }, (_, n) => Buffer.alloc(1500, n))
    const taken = frames.filter((bytes) => card.network.give(bytes))
    expect(taken.length).toBeGreaterThan(500)
    expect(taken.length).toBeLessThan(frames.length)
    expect(card.guest.takeEvents()).toEqual([])
    const received: Buffer[] = []
    while (received.length < taken.length) {
      // A back end that waits for room asks to be told of it.
      expect(card.front.post(50)).toBe(true)
      received.push(...bytesOf(card.front.received()))
    }
    expect(received).toEqual(taken)
    card.front.post(10)
    expect(card.network.give(randomBytes(60))).toBe(true)
    expect(card.front.received().length).toBe(1)
  })

  it('says that more had better wait while half of what may wait does, and when it may come', () => {
    const send = (): void => void card.network.give(Buffer.alloc(1500))
    for (let n = 0; n < 340; n++) send()
    expect(card.network.owner?.busy).toBe(false)
    for (let n = 0; n < 20; n++) send()
    expect(card.network.owner?.busy).toBe(true)
    const calls = (): number => card.network.calls.filter((call) => call === 'ready').length
    for (let n = 0; n < 5; n++) {
      card.front.post(50)
      card.front.received()
    }
    expect([card.network.owner?.busy, calls()]).toEqual([true, 0])
    card.front.post(50)
    expect([card.network.owner?.busy, calls()]).toEqual([false, 1])
  })

  it('waits until a long packet has all its room, and asks for one event only', () => {
    const bytes = randomBytes(20_000)
    card.network.give(bytes)
    expect([card.front.post(2), card.front.post(2)]).toEqual([false, false])
    expect(card.front.received()).toEqual([])
    expect(card.front.post(1)).toBe(true)
    expect(bytesOf(card.front.received())[0]?.equals(bytes)).toBe(true)
    expect(card.front.post(5)).toBe(false)
  })

  it('is not kept for longer than anybody waits for it', () => {
    card.network.give(randomBytes(60))
    card.guest.clock.time = 9_000_000_000n
    const late = randomBytes(70)
    card.network.give(late)
    card.guest.clock.time = 11_000_000_000n
    card.front.post(5)
    expect(bytesOf(card.front.received())).toEqual([late])
  })

  it('goes round in what is kept, whatever the lengths', () => {
    const expected: Buffer[] = []
    const received: Buffer[] = []
    for (let round = 0; round < 400; round++) {
      const bytes = randomBytes(60 + ((round * 7919) % 9000))
      if (card.network.give(bytes)) expected.push(bytes)
      if (round % 90 === 89) for (let n = 0; n < 60; n++) card.front.post(1)
      received.push(...bytesOf(card.front.received()))
    }
    while (received.length < expected.length) {
      card.front.post(10)
      received.push(...bytesOf(card.front.received()))
    }
    expect(received.every((bytes, n) => bytes.equals(expected[n] as Buffer))).toBe(true)
  })

  it('is an error where the page cannot be written, and the next is none', () => {
    card.front.post(1, true)
    card.front.post(1)
    const bytes = randomBytes(60)
    card.network.give(randomBytes(60))
    card.network.give(bytes)
    const [first, second] = card.front.received()
    expect(first).toBe(ERROR)
    expect(Buffer.from((second as Received).bytes).equals(bytes)).toBe(true)
  })

  it('is one page at most where the front end takes no more', async () => {
    card = new CardOnNetwork()
    await card.connect({ 'feature-sg': 0 })
    card.front.post(5)
    expect(card.network.give(randomBytes(4097))).toBe(false)
    expect(card.network.give(randomBytes(4096))).toBe(true)
    expect(card.network.offloads).toMatchObject({ gsoV4: false, gsoV6: false })
  })
})

describe('what is left undone for a guest', () => {
  it.each([
    [{}, { checksumV4: true, checksumV6: true, gsoV4: true, gsoV6: true }],
    [{ 'feature-no-csum-offload': 1 }, { checksumV4: false, checksumV6: true, gsoV4: false, gsoV6: true }],
    [{ 'feature-ipv6-csum-offload': 0 }, { checksumV4: true, checksumV6: false, gsoV4: true, gsoV6: false }],
    [{ 'feature-gso-tcpv4': 0 }, { checksumV4: true, checksumV6: true, gsoV4: false, gsoV6: true }],
  ])('is what its front end takes: %j', async (keys, offloads) => {
    card = new CardOnNetwork()
    await card.connect(keys)
    expect(card.network.offloads).toEqual(offloads)
    await card.vif?.disconnect()
    expect(card.network.offloads).toEqual({ checksumV4: false, checksumV6: false, gsoV4: false, gsoV6: false })
  })
})

describe('a guest of virtual time', () => {
  it('gets packets at its order points, in their order', () => {
    card.guest.isVirtual = true
    card.front.post(5)
    const lent = Buffer.alloc(60, 1)
    card.network.owner?.receive({ bytes: lent, checksum: 'valid', gso: undefined })
    lent.fill(2)
    card.network.owner?.receive({ bytes: lent, checksum: 'valid', gso: undefined })
    card.network.owner?.flush()
    lent.fill(3)
    expect(card.guest.takeEvents()).toEqual([])
    expect(card.front.received()).toEqual([])
    card.guest.orderPoint()
    expect(card.guest.takeEvents()).toEqual([card.front.rxPort])
    expect(bytesOf(card.front.received())).toEqual([Buffer.alloc(60, 1), Buffer.alloc(60, 2)])
  })

  it('that comes to none is sent no more than so many', () => {
    card.guest.isVirtual = true
    const taken = Array.from({ length: 3000 }, () => card.network.give(Buffer.alloc(60))).filter(Boolean)
    expect(taken.length).toBe(1024)
  })
})

describe('a front end whose receive ring makes no sense', () => {
  it('is cut off', () => {
    card.front.rx.words[0] = 1000
    expect(card.network.give(randomBytes(60))).toBe(false)
    expect(card.guest.blamed).toEqual(['its receive ring has more requests than it has room for'])
  })
})
