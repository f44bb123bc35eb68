import { describe, expect, it } from 'vitest'
import { EVERYBODY, frame, lan, mac, Station } from './stations.ts'

const SECOND = 1e9

describe('a switch', () => {
  it('floods what it does not know, and sends to one port what it has learnt', () => {
    const { stations } = lan({}, {}, {})
    const [a, b, c] = stations as [Station, Station, Station]
    a.port.setLink(false)
    a.port.setLink(true)
    const stranger = mac(99)
    for (const each of stations) each.received.length = 0
    a.send(stranger)
    expect([b.heard(), c.heard()]).toEqual([['1>hello'], ['1>hello']])
    b.send(a.mac, 'reply')
    expect([a.heard(), c.heard()]).toEqual([['2>reply'], []])
    a.send(EVERYBODY, 'all')
    expect([a.heard(), b.heard(), c.heard()]).toEqual([[], ['1>all'], ['1>all']])
  })

  it('forgets who has sent nothing for 300 s', () => {
    const { stations, time, bridge } = lan({}, {}, {})
    const [a, b, c] = stations as [Station, Station, Station]
    time.pass(300 * SECOND)
    a.send(b.mac)
    expect(c.heard()).toEqual([])
    time.pass(SECOND)
    a.send(b.mac)
    expect([b.heard().length, c.heard()]).toEqual([2, ['1>hello']])
    expect(bridge.addresses).toBe(1)
  })

  it('learns that an address has moved, from what it sends or from its link', () => {
    const { bridge, stations } = lan({}, {})
    const [a, b] = stations as [Station, Station]
    const moved = new Station(bridge, 3, { mac: a.mac })
    // The new place is announced: everybody behind other ports hears it.
    expect(b.received.map(({ bytes }) => Buffer.from(bytes.subarray(6, 14)).toString('hex'))).toEqual([
      '00163e0000018035',
    ])
    b.received.length = 0
    b.send(a.mac, 'to the new place')
    expect([a.heard().length, moved.heard()]).toEqual([1, ['2>to the new place']])
    a.send(b.mac)
    b.send(a.mac, 'back')
    expect([a.heard(), moved.heard()]).toEqual([['2>back'], []])
  })

  it('sends nothing to a port whose link is down, and forgets what was behind it', () => {
    const { stations } = lan({}, {}, {})
    const [a, b, c] = stations as [Station, Station, Station]
    b.port.setLink(false)
    a.send(b.mac)
    a.send(EVERYBODY)
    expect([b.heard(), c.heard()]).toEqual([[], ['1>hello', '1>hello']])
    b.port.send(frame(b.mac, a.mac))
    expect(a.heard()).toEqual([])
  })

  it('counts at each port what was sent, received and dropped', () => {
    const { stations } = lan({}, {})
    const [a, b] = stations as [Station, Station]
    const before = a.port.counters()
    a.send(b.mac)
    a.port.send({ bytes: new Uint8Array(13), checksum: 'unknown', gso: undefined })
    a.port.send(frame(EVERYBODY, b.mac))
    b.busy = true
    a.send(EVERYBODY)
    const after = a.port.counters()
    expect([after.rxFrames - before.rxFrames, after.rxBytes - before.rxBytes, after.rxDropped]).toEqual([2, 38, 2])
    expect(b.port.counters()).toMatchObject({ txFrames: 1, txBytes: 19, txDropped: 1 })
  })

  it('shows each who was given frames that no more come for now', () => {
    const { stations } = lan({}, {}, {})
    const [a, b, c] = stations as [Station, Station, Station]
    for (const each of stations) each.flushed = 0
    a.send(b.mac)
    a.send(b.mac)
    a.port.flush()
    a.port.flush()
    expect([a.flushed, b.flushed, c.flushed]).toEqual([0, 1, 0])
  })

  it('gives nobody a frame while he sends one', async () => {
    const { stations } = lan({}, {})
    const [a, b] = stations as [Station, Station]
    b.answer = () => b.send(a.mac, 'at once')
    a.send(b.mac)
    expect(a.heard()).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(a.heard()).toEqual(['2>at once'])
  })

  it('has a sender wait for a busy port, for a while, and for nobody else', () => {
    const { stations, time } = lan({}, {}, {})
    const [a, b, c] = stations as [Station, Station, Station]
    b.busy = true
    expect([a.send(b.mac, 'one'), a.send(c.mac, 'two'), a.send(EVERYBODY, 'three')]).toEqual([false, true, true])
    b.busy = false
    b.port.ready()
    expect(a.resumed).toBe(1)
    expect(a.send(b.mac, 'one')).toBe(true)
    expect(b.heard()).toEqual(['1>one'])
    b.busy = true
    expect(a.send(b.mac)).toBe(false)
    time.pass(SECOND)
    expect(a.resumed).toBe(2)
    // It was waited for in vain: what is sent to it is lost until it has room.
    expect(a.send(b.mac)).toBe(true)
    b.busy = false
    b.port.ready()
    b.busy = true
    expect(a.send(b.mac)).toBe(false)
  })
})

describe('VLANs of a switch', () => {
  it('separate access ports, whose frames have no tag', () => {
    const { stations } = lan({ vlan: 10 }, { vlan: 10 }, { vlan: 20 }, {})
    const [a, b, c, d] = stations as [Station, Station, Station, Station]
    a.send(EVERYBODY)
    a.send(c.mac)
    expect([b.heard(), c.heard(), d.heard()]).toEqual([['1>hello', '1>hello'], [], []])
    d.send(EVERYBODY)
    expect([a.heard(), b.heard(), c.heard()]).toEqual([[], [], []])
  })

  it('are tagged where a port has several of them', () => {
    const { stations } = lan({ vlan: 10 }, { trunk: [10, 20] }, { vlan: 20 }, { trunk: [20, 30], vlan: 10 })
    const [a, trunk, c, mixed] = stations as [Station, Station, Station, Station]
    a.send(EVERYBODY)
    expect([trunk.heard(), c.heard(), mixed.heard()]).toEqual([['1#10>hello'], [], ['1>hello']])
    trunk.send(EVERYBODY, 'to 20', 20)
    trunk.send(EVERYBODY, 'to 30', 30)
    expect([a.heard(), c.heard(), mixed.heard()]).toEqual([[], ['2>to 20'], ['2#20>to 20']])
    expect(trunk.port.counters().rxDropped).toBe(1)
    mixed.send(EVERYBODY, 'mine')
    expect([a.heard(), trunk.heard(), c.heard()]).toEqual([['4>mine'], ['4#10>mine'], []])
  })

  it('cannot be entered by a tag that a port does not have', () => {
    const { stations } = lan({}, { vlan: 10 }, { vlan: 20 })
    const [plain, ten, twenty] = stations as [Station, Station, Station]
    plain.send(EVERYBODY, 'hop', 10)
    ten.send(EVERYBODY, 'hop', 20)
    ten.send(EVERYBODY, 'own', 10)
    expect([plain.heard(), ten.heard(), twenty.heard()]).toEqual([[], [], []])
    // A tag of VLAN 0 is a priority.
    ten.send(EVERYBODY, 'priority', 0)
    expect(twenty.heard()).toEqual([])
  })

  it('end before a tag that is cut: such a frame goes nowhere', () => {
    const { stations } = lan({}, {}, { trunk: [10] })
    const [a, b, c] = stations as [Station, Station, Station]
    const whole = frame(a.mac, EVERYBODY, '', 0)
    for (let length = 14; length < 18; length++) a.port.send({ ...whole, bytes: whole.bytes.subarray(0, length) })
    expect([b.heard(), c.heard(), a.port.counters().rxDropped]).toEqual([[], [], 4])
    a.port.send(whole)
    expect([b.heard(), c.heard()]).toEqual([['1>'], ['1>']])
  })

  it('have tables of their own: one address may be in two', () => {
    const { stations, bridge } = lan({ vlan: 10 }, { vlan: 20 }, { trunk: [10, 20] })
    const [a, b, trunk] = stations as [Station, Station, Station]
    const router = mac(77)
    trunk.port.send(frame(router, EVERYBODY, 'ten', 10))
    const other = new Station(bridge, 4, { vlan: 20 })
    other.port.send(frame(router, EVERYBODY, 'twenty'))
    for (const each of [a, b, trunk, other]) each.received.length = 0
    a.send(router)
    b.send(router)
    expect([trunk.heard(), other.heard()]).toEqual([['1#10>hello'], ['2>hello']])
  })

  it('with numbers that there are not are refused', () => {
    expect(() => lan({ vlan: 0 })).toThrow('VLAN 0: give a whole number from 1 to 4094')
    expect(() => lan({ trunk: [4095] })).toThrow('VLAN 4095: give a whole number from 1 to 4094')
  })
})

describe('a gateway of one guest', () => {
  it('is seen by that guest only, and speaks to it without tags', () => {
    const { bridge, stations } = lan({ vlan: 10 }, { vlan: 10 })
    const [a, b] = stations as [Station, Station]
    const gateway = new Station(bridge, 50, {}, { guest: a.port, macs: [mac(50)] })
    a.send(gateway.mac, 'out')
    a.send(EVERYBODY, 'who has?')
    b.send(EVERYBODY, 'not mine')
    b.send(gateway.mac, 'hello?')
    expect(gateway.heard()).toEqual(['1>out', '1>who has?'])
    a.received.length = 0
    gateway.send(a.mac, 'in')
    gateway.send(EVERYBODY, 'all')
    expect([a.heard(), b.heard()]).toEqual([['50>in', '50>all'], ['1>who has?']])
  })
})
