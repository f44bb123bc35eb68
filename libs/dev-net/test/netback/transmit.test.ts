import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { packet, plainSum, readPacket } from '../offload/packets.ts'
import { CardOnNetwork } from './card-on-network.ts'
import { gsoExtra } from './scripted-front.ts'

const [OKAY, ERROR, NULL] = [0, -1, 1]
const [CSUM_BLANK, VALIDATED, MORE, EXTRA] = [1, 2, 4, 8]
const [TCPV4, TCPV6] = [1, 2]

let card: CardOnNetwork
beforeEach(async () => {
  card = new CardOnNetwork()
  await card.connect()
})

const statuses = (answers: [number, number][]): number[] => answers.map(([, status]) => status)

describe('what a guest sends', () => {
  it('in one slot arrives as it is, and the guest has its page back', () => {
    const bytes = randomBytes(60)
    card.front.put(bytes, { offset: 100 })
    expect(card.front.push()).toBe(true)
    expect(card.guest.takeEvents()).toEqual([card.front.txPort])
    expect(card.front.answers()).toEqual([[0, OKAY]])
    expect(card.network.sent).toEqual([{ bytes: new Uint8Array(bytes), checksum: 'unknown', gso: undefined }])
    expect(card.guest.held).toEqual({ grants: 2, ports: 2 })
  })

  it('in many slots arrives in one piece, each slot answered', () => {
    const bytes = randomBytes(65_535)
    expect(statuses(card.front.send(bytes))).toEqual(new Array(16).fill(OKAY))
    expect(Buffer.from(card.network.sent[0]?.bytes ?? []).equals(bytes)).toBe(true)
  })

  it('is told of as one batch, and an event comes for the next one only after it was looked for', () => {
    for (let n = 0; n < 20; n++) card.front.put(randomBytes(100))
    expect(card.front.push()).toBe(true)
    expect(card.network.sent.length).toBe(20)
    expect(card.guest.takeEvents()).toEqual([card.front.txPort])
    // The guest has not looked at the answers yet: it wants no event for more of them.
    card.front.put(randomBytes(100))
    expect(card.front.push()).toBe(true)
    expect(card.network.sent.length).toBe(21)
    expect(card.guest.takeEvents()).toEqual([])
    expect(card.front.answers().length).toBe(21)
  })

  it.each([
    [CSUM_BLANK, 'partial'],
    [CSUM_BLANK | VALIDATED, 'partial'],
    [VALIDATED, 'valid'],
    [0, 'unknown'],
  ] as const)('with flags %d has a checksum that is %s', (flags, checksum) => {
    const bytes = packet({ version: 4, protocol: 'udp', payload: randomBytes(10) })
    expect(statuses(card.front.send(bytes, { flags }))).toEqual([OKAY])
    expect(card.network.sent).toMatchObject([{ checksum, gso: undefined }])
  })

  it.each([
    [4, TCPV4, 'tcpv4'],
    [6, TCPV6, 'tcpv6'],
  ] as const)('to be cut in segments over IPv%d is not cut here', (version, type, name) => {
    const bytes = packet({ version, protocol: 'tcp', payload: randomBytes(9000) })
    const answers = card.front.send(bytes, { flags: CSUM_BLANK | VALIDATED, extras: [gsoExtra(type, 1448)] })
    expect(statuses(answers)).toEqual([OKAY, NULL, OKAY, OKAY])
    expect(card.network.sent).toMatchObject([{ checksum: 'partial', gso: { type: name, size: 1448 } }])
  })

  it('to be cut but with its checksum filled in, as old front ends have it, is like any other', () => {
    const shape = { version: 4, protocol: 'tcp', payload: randomBytes(3000) } as const
    const bytes = packet(shape)
    const before = Buffer.from(bytes.subarray(50, 52))
    Buffer.from(bytes.buffer, bytes.byteOffset).writeUInt16BE(0x1234, 50)
    card.front.send(bytes, { extras: [gsoExtra(TCPV4, 1448)] })
    expect(card.network.sent).toMatchObject([{ checksum: 'partial' }])
    expect(Buffer.from(card.network.sent[0]?.bytes.subarray(50, 52) ?? []).equals(before)).toBe(true)
    expect(readPacket(bytes, shape).headerGood).toBe(true)
    expect(plainSum(before)).not.toBe(0x1234)
  })

  it('waits where the network has no room, and goes on in order', () => {
    const packets = Array.from({ length: 5 }, () => randomBytes(64))
    card.network.hasRoom = false
    for (const bytes of packets) card.front.put(bytes)
    card.front.push()
    expect(card.front.answers()).toEqual([])
    card.network.owner?.resume()
    expect(card.network.sent).toEqual([])
    card.network.hasRoom = true
    card.network.owner?.resume()
    expect(card.network.sent.map(({ bytes }) => Buffer.from(bytes))).toEqual(packets)
    expect(card.front.answers().length).toBe(5)
    expect(card.guest.takeEvents()).toEqual([card.front.txPort])
  })

  it('without end leaves others their turn, and is sent all the same', () => {
    const { front, guest, network } = card
    const gref = guest.grant(guest.page().gmfn, true)
    const slot = { gref, offset: 0, flags: 0, size: 60 }
    // For each packet that is taken there is another: the ring is never empty.
    network.onSend = () => {
      if (network.sent.length === 3000) network.onSend = undefined
      else front.putSlot(slot)
      front.answers()
      front.tx.push()
    }
    front.putSlot(slot)
    front.push()
    expect(network.sent.length).toBe(1024)
    guest.runDeferred()
    expect(network.sent.length).toBe(3000)
  })
})

describe('a packet that is wrong is answered with an error, and the device goes on', () => {
  it.each([
    ['shorter than its header', randomBytes(13), {}],
    ['whose slots are more than the whole', randomBytes(6000), { firstSize: 1000 }],
    ['in too many slots', randomBytes(190), { slot: 10 }],
    ['to be summed that is no IP', randomBytes(60), { flags: CSUM_BLANK }],
    [
      'of UDP that is to be cut',
      packet({ version: 4, protocol: 'udp', payload: randomBytes(99) }),
      { flags: CSUM_BLANK, extras: [gsoExtra(TCPV4, 50)] },
    ],
    [
      'of the other version that is to be cut',
      packet({ version: 6, protocol: 'tcp', payload: randomBytes(99) }),
      { flags: CSUM_BLANK, extras: [gsoExtra(TCPV4, 50)] },
    ],
  ])('%s', async (_, bytes, how) => {
    const answers = card.front.send(bytes, how)
    expect(new Set(statuses(answers).filter((status) => status !== NULL))).toEqual(new Set([ERROR]))
    expect(card.network.sent).toEqual([])
    expect(card.front.send(randomBytes(60)).map(([, status]) => status)).toEqual([OKAY])
    expect(card.guest.blamed).toEqual([])
    expect(card.vif?.facts()).toMatchObject({ rxErrors: 1 })
  })

  it('from a page that was not granted', () => {
    card.front.putSlot({ gref: 4000, offset: 0, flags: 0, size: 60 })
    card.front.push()
    expect(card.front.answers()).toEqual([[0, ERROR]])
    expect(card.guest.blamed).toEqual([])
  })
})

describe('a front end that breaks the rules is cut off', () => {
  const slot = { gref: 8, offset: 0, flags: 0, size: 60 }
  const wrong: [string, (card: CardOnNetwork) => void][] = [
    ['a packet ends before its last slot', ({ front }) => front.putSlot({ ...slot, flags: MORE })],
    ['a packet ends before its extra information', ({ front }) => front.putSlot({ ...slot, flags: EXTRA })],
    [
      'a packet ends before its extra information',
      ({ front }) => front.put(randomBytes(60), { extras: [gsoExtra(TCPV4, 9, 1)] }),
    ],
    ['a packet has more than 20 slots', ({ front }) => front.put(randomBytes(210), { slot: 10 })],
    [
      'a slot begins at 4000 and has 97 bytes, which leave its page',
      ({ front }) => front.putSlot({ ...slot, offset: 4000, size: 97 }),
    ],
    ['segments of no bytes are asked for', ({ front }) => front.put(randomBytes(60), { extras: [gsoExtra(TCPV4, 0)] })],
    ['there are no segments of type 3', ({ front }) => front.put(randomBytes(60), { extras: [gsoExtra(3, 9)] })],
    ['there is no extra information of type 0', ({ front }) => front.put(randomBytes(60), { extras: [() => {}] })],
    [
      'its transmit ring has more requests than it has room for',
      ({ front }) => {
        for (let n = 0; n <= front.tx.size; n++) front.putSlot(slot)
      },
    ],
  ]
  it.each(wrong)('%s', async (why, act) => {
    act(card)
    card.front.push()
    expect(card.guest.blamed).toEqual([why])
    // Nothing more is done for it.
    card.guest.notify(card.front.txPort)
    card.guest.notify(card.front.rxPort)
    expect(card.network.give(randomBytes(60))).toBe(false)
    expect(card.network.sent).toEqual([])
    await card.vif?.disconnect()
    expect(card.guest.held).toEqual({ grants: 0, ports: 0 })
    expect(card.guest.blamed).toEqual([why])
  })
})
