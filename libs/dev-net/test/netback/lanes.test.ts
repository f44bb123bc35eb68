/** Small packets from guest to guest, which their pCPUs pass on by themselves while the switch would do nothing else. */
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { packet, readPacket } from '../offload/packets.ts'
import { gsoExtra } from './scripted-front.ts'
import { twoGuests } from './two-guests.ts'

const CSUM_BLANK = 1
const RX_VALIDATED = 1
const [DIRECT, BY_DOM0] = [
  [false, 0],
  [true, 0],
] as const

describe('a pCPU passes on', () => {
  it('what is for a guest that the switch knows, both ways, with an event for each end', async () => {
    const { a, b } = await twoGuests()
    expect(a.send(b.mac, 'to b')).toEqual(DIRECT)
    expect([a.guest.takeEvents(), b.guest.takeEvents()]).toEqual([[a.front.txPort], [b.front.rxPort]])
    expect(b.texts()).toEqual(['to b'])
    expect(b.send(a.mac, 'to a')).toEqual(DIRECT)
    expect(a.texts()).toEqual(['to a'])
  })

  it('a packet of several slots', async () => {
    const { a, b } = await twoGuests()
    expect(a.send(b.mac, 'x'.repeat(1000), { slot: 300 })).toEqual([false, 0, 0, 0, 0])
    expect(b.texts()).toEqual(['x'.repeat(1000)])
  })

  it('counted by the switch', async () => {
    const { a, b } = await twoGuests()
    const before = [a.vif?.facts(), b.vif?.facts()]
    a.send(b.mac, '86 bytes more than a header'.padEnd(86))
    const [ofA, ofB] = [a.vif?.facts(), b.vif?.facts()]
    expect(Number(ofA?.rxFrames) - Number(before[0]?.rxFrames)).toBe(1)
    expect(Number(ofA?.rxBytes) - Number(before[0]?.rxBytes)).toBe(100)
    expect(Number(ofB?.txFrames) - Number(before[1]?.txFrames)).toBe(1)
    expect(Number(ofB?.txBytes) - Number(before[1]?.txBytes)).toBe(100)
  })

  it('no checksum that the other end does not take: it is filled in', async () => {
    const { a, b } = await twoGuests('', { 'feature-no-csum-offload': 1 })
    const { told } = a
    const shape = { version: 4, protocol: 'udp', payload: Buffer.from('sum') } as const
    const bytes = packet(shape)
    bytes.set([...b.mac, ...a.mac])
    a.front.put(bytes, { flags: CSUM_BLANK })
    a.front.push()
    const [received] = b.front.received()
    if (typeof received !== 'object') throw new Error('nothing came')
    expect([a.told, received.flags]).toEqual([told, RX_VALIDATED])
    expect(readPacket(received.bytes, shape)).toMatchObject({ checksumGood: true, payload: shape.payload })
  })
})

describe('it leaves to domain 0, in the ring,', () => {
  it('what is for everybody, for nobody known, and from an address that is not its own', async () => {
    const { a, b } = await twoGuests()
    expect(a.send(new Uint8Array(6).fill(0xff), 'all')).toEqual(BY_DOM0)
    expect(a.send(Uint8Array.of(0, 1, 2, 3, 4, 5), 'whom')).toEqual(BY_DOM0)
    a.mac[5] = 77
    expect(a.send(b.mac, 'other')).toEqual(BY_DOM0)
    expect(b.texts()).toEqual(['all', 'whom', 'other'])
  })

  it('what is larger than a page or has extra information, and what is behind it', async () => {
    const { a, b } = await twoGuests()
    a.front.put(Uint8Array.from([...b.mac, ...a.mac, 0x88, 0xb5, ...Buffer.alloc(5000, 'L')]))
    expect(a.send(b.mac, 'small')).toEqual([true, 0, 0, 0])
    expect(b.texts()).toEqual(['L'.repeat(5000), 'small'])
    const [, ...statuses] = a.send(b.mac, 'no TCP', { extras: [gsoExtra(1, 100)] })
    expect([a.told, statuses]).toEqual([4, [-1, 1]])
  })

  it('what there is no room for, and all that comes before that has gone', async () => {
    const { a, b } = await twoGuests()
    for (let n = 0; n < 15; n++) expect(a.send(b.mac, `${n}`)).toEqual(DIRECT)
    expect(a.send(b.mac, '15')).toEqual(BY_DOM0)
    expect(a.send(b.mac, '16')).toEqual(BY_DOM0)
    expect(b.texts()).toEqual(Array.from({ length: 15 }, (_, n) => `${n}`))
    const before = b.told
    b.post(8)
    expect(b.told).toBe(before + 1)
    expect(b.texts()).toEqual(['15', '16'])
    expect(a.send(b.mac, '17')).toEqual(DIRECT)
  })

  it('what would overtake that when room has come', async () => {
    const { a, b } = await twoGuests()
    for (let n = 0; n < 16; n++) a.send(b.mac, `${n}`)
    b.texts()
    b.guest.notify = () => {}
    b.post(8)
    expect(a.send(b.mac, '16')).toEqual(BY_DOM0)
    expect(b.texts()).toEqual(['15', '16'])
  })

  it('a frame with a tag, of which the switch decides', async () => {
    const { a, b } = await twoGuests()
    a.front.send(Uint8Array.from([...b.mac, ...a.mac, 0x81, 0, 0, 5, 0x88, 0xb5, ...Buffer.from('tagged')]))
    expect([b.texts(), a.vif?.facts().rxDropped]).toEqual([[], 1])
  })

  it('one frame each ten seconds, so that the switch knows who is there', async () => {
    const { a, b } = await twoGuests()
    for (const { guest } of [a, b]) guest.clock.time += 10_000_000_000n
    expect(a.send(b.mac, 'late')).toEqual(BY_DOM0)
    expect(a.send(b.mac, 'soon')).toEqual(DIRECT)
  })

  it('what breaks the rules of the ring: domain 0 finds it there', async () => {
    const { a, b } = await twoGuests()
    const wrong = { gref: 0, offset: 4000, flags: 0, size: 200 }
    a.front.putSlot(wrong)
    a.front.push()
    expect(a.guest.blamed).toEqual(['a slot begins at 4000 and has 200 bytes, which leave its page'])
    // Nor is it believed when it takes that back.
    a.front.takeBack()
    a.send(b.mac, 'again')
    a.guest.notify(a.front.txPort)
    expect(a.front.answers()).toEqual([])
    expect(b.texts()).toEqual([])
  })
})

describe('nothing goes past the switch', () => {
  it('while it captures', async () => {
    const { a, b, networks } = await twoGuests()
    const to = new PassThrough()
    const capture = networks.find('lan').capture(to)
    expect(a.send(b.mac, 'seen')).toEqual(BY_DOM0)
    expect(capture.frames).toBe(1)
    capture.end()
    expect(a.send(b.mac, 'unseen')).toEqual(BY_DOM0)
    expect(a.send(b.mac, 'unseen')).toEqual(DIRECT)
  })

  it.each(['rate=10Mb/s', 'spoofguard=on', 'vlan=7'])('of a card with %s', async (option) => {
    const { a, b } = await twoGuests(`,${option}`)
    expect(a.send(b.mac, 'one')[0]).toBe(true)
    expect(a.send(b.mac, 'two')[0]).toBe(true)
  })

  it('after the card was given a rate', async () => {
    const { a, b } = await twoGuests()
    await a.vif?.reconfigure('rate=10Mb/s')
    expect(a.send(b.mac, 'slower')).toEqual(BY_DOM0)
    expect(a.send(b.mac, 'slower')).toEqual(BY_DOM0)
  })

  it('after the other end was unplugged', async () => {
    const { a, b } = await twoGuests()
    await b.vif?.disconnect()
    expect(a.send(b.mac, 'gone')).toEqual(BY_DOM0)
    expect(a.guest.takeEvents()).toEqual([a.front.txPort])
    expect(b.texts()).toEqual([])
    expect(b.guest.held).toEqual({ grants: 0, ports: 0 })
  })

  it('once its address has moved elsewhere', async () => {
    const { a, b } = await twoGuests()
    expect(a.send(b.mac, 'here')).toEqual(DIRECT)
    const mine = a.mac.slice()
    a.mac.set(b.mac)
    a.send(new Uint8Array(6).fill(0xff), 'I am b')
    a.mac.set(mine)
    b.texts()
    expect(a.send(b.mac, 'to myself')).toEqual(BY_DOM0)
    expect(b.texts()).toEqual([])
  })
})
