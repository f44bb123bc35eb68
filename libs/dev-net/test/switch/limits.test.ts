import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Credit } from '../../src/switch/credit.ts'
import { MacTable } from '../../src/switch/mac-table.ts'
import { PcapWriter } from '../../src/switch/pcap.ts'
import type { PortOptions } from '../../src/switch/port.ts'
import { EVERYBODY, frame, HandTime, lan, mac, type Station } from './stations.ts'

const SECOND = 1e9
const MS = 1e6

/** Bytes that get through in five seconds to a sender that always has more, whose timers are `late` ns late. */
function sentInFiveSeconds(rate: { bytes: number; intervalUs: number }, size: number, late: number): number {
  const credit = new Credit(rate, 0)
  let sent = 0
  for (let now = 0; now < 5 * SECOND; now += credit.wait(now) + late) while (credit.take(size, now)) sent += size
  return sent
}

describe('the rate of a port', () => {
  it.each([
    ['10Mb/s@50ms', 62_500, 50_000],
    ['1MB/s@20ms', 20_000, 20_000],
    ['1Gb/s@50ms', 6_250_000, 50_000],
    ['1Mb/s@1s', 125_000, 1_000_000],
    ['8Mb/s@1ms', 1000, 1000],
  ])(
    '%s holds over five seconds, with short frames and with long ones, and timers that are late',
    (_, bytes, intervalUs) => {
      const wanted = (bytes / intervalUs) * 5e6
      const window = bytes / wanted
      for (const size of [60, 1514, 65_549]) {
        for (const late of [0, 3 * MS, 15 * MS, 120 * MS]) {
          const sent = sentInFiveSeconds({ bytes, intervalUs }, size, late)
          // One window is free at the beginning, and the last frame may be paid for later.
          expect(sent / wanted).toBeGreaterThan(0.97)
          expect(sent / wanted).toBeLessThan(1 + window + Math.max(size / wanted, 0.005))
        }
      }
    },
  )

  it('is that of each window: what was not used is not kept', () => {
    const credit = new Credit({ bytes: 1000, intervalUs: 100_000 }, 0)
    let sent = 0
    while (credit.take(100, 10 * SECOND)) sent += 100
    expect(sent).toBe(1000)
    expect(credit.wait(10 * SECOND)).toBe(100 * MS)
  })

  it('has the sender wait, and no other', () => {
    const { stations, time } = lan({ rate: { bytes: 100, intervalUs: 50_000 } }, {})
    const [a, b] = stations as [Station, Station]
    const text = 'x'.repeat(86)
    expect([a.send(b.mac, text), a.send(b.mac, text), a.send(b.mac, text)]).toEqual([true, false, false])
    for (let i = 0; i < 100; i++) expect(b.send(a.mac, text)).toBe(true)
    time.pass(49 * MS)
    expect(a.resumed).toBe(0)
    time.pass(MS)
    expect(a.resumed).toBe(1)
    expect([a.send(b.mac, text), a.send(b.mac, text)]).toEqual([true, false])
    expect(b.heard()).toHaveLength(2)
  })

  it('may be changed while a sender waits', async () => {
    const { stations, time } = lan({ rate: { bytes: 100, intervalUs: 50_000 } }, {})
    const [a, b] = stations as [Station, Station]
    a.send(b.mac, 'x'.repeat(1000))
    expect(a.send(b.mac)).toBe(false)
    const { rate: _, ...unlimited }: PortOptions = a.port.options
    await a.port.reconfigure(unlimited)
    time.pass(0)
    expect([a.resumed, a.send(b.mac), a.send(b.mac)]).toEqual([1, true, true])
  })
})

describe('a storm', () => {
  it('of broadcasts is cut to what the others bear, and frames to one address go on', () => {
    const { stations, time } = lan({}, {}, {})
    const [a, b, c] = stations as [Station, Station, Station]
    for (let i = 0; i < 100_000; i++) a.send(EVERYBODY)
    expect(b.heard().length).toBeLessThan(2500)
    expect(a.port.counters().rxDropped).toBeGreaterThan(95_000)
    a.send(b.mac, 'still')
    c.send(EVERYBODY, 'me too')
    expect(b.heard()).toEqual(['1>still', '3>me too'])
    time.pass(50 * MS)
    a.send(EVERYBODY, 'again')
    expect(b.heard()).toEqual(['1>again'])
  })

  it('of answers that answer one another has bounds', async () => {
    const { stations } = lan({}, {})
    const [a, b] = stations as [Station, Station]
    a.answer = () => a.send(EVERYBODY, 'a')
    b.answer = () => {
      for (let i = 0; i < 5; i++) b.send(EVERYBODY, 'b')
    }
    a.send(EVERYBODY)
    await new Promise((resolve) => setTimeout(resolve, 50))
    // Time stands still, so that no more than one window's floods were made.
    expect(a.received.length + b.received.length).toBeLessThan(6000)
  })
})

describe('a table of addresses', () => {
  it('has room for ten thousand', () => {
    const table = new MacTable()
    for (let n = 0; n < 10_000; n++) table.learn(mac(n), 0, 0, n % 7, 0)
    let known = 0
    for (let n = 0; n < 10_000; n++) if (table.find(mac(n), 0, 0, 1) === n % 7) known++
    expect(known).toBeGreaterThan(9_990)
  })

  it('does not grow when a million are sent from one port, which replaces its own', () => {
    const table = new MacTable()
    for (let n = 0; n < 1000; n++) table.learn(mac(n), 0, 0, 1, 0)
    for (let n = 0; n < 1_000_000; n++) table.learn(Uint8Array.of(2, 0, n >>> 24, n >>> 16, n >>> 8, n), 0, 0, 2, 1)
    expect(table.size(1)).toBeLessThanOrEqual(32_768)
    let known = 0
    for (let n = 0; n < 1000; n++) if (table.find(mac(n), 0, 0, 1) === 1) known++
    expect(known).toBe(1000)
  })

  it('forgets what was behind a port', () => {
    const table = new MacTable()
    table.learn(mac(1), 0, 0, 1, 0)
    table.learn(mac(2), 0, 0, 2, 0)
    table.forget(1)
    expect([table.find(mac(1), 0, 0, 0), table.find(mac(2), 0, 0, 0)]).toEqual([-1, 2])
  })
})

describe('the guard of a port', () => {
  const ARP = 0x0806
  const IPV4 = 0x0800
  const arp = (sender: Uint8Array, ip: readonly number[]): number[] => [
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    1,
    ...sender,
    ...ip,
    ...new Array(10).fill(0),
  ]
  const ipv4 = (ip: readonly number[]): number[] => [0x45, ...new Array(11).fill(0), ...ip, 10, 0, 0, 1]
  const packet = (from: Uint8Array, type: number, payload: readonly number[]) => ({
    bytes: Uint8Array.from([...EVERYBODY, ...from, type >> 8, type & 0xff, ...payload]),
    checksum: 'unknown' as const,
    gso: undefined,
  })

  it('lets nothing through from an address that is not the card’s, by either header', () => {
    const { stations } = lan({ spoofGuard: true }, {})
    const [a, b] = stations as [Station, Station]
    a.port.send(frame(mac(9), b.mac))
    a.port.send(packet(a.mac, ARP, arp(mac(9), [10, 0, 0, 5])))
    a.port.send(packet(a.mac, ARP, [0, 1]))
    expect([b.heard(), a.port.counters().rxDropped]).toEqual([[], 3])
    a.port.send(packet(a.mac, ARP, arp(a.mac, [10, 0, 0, 5])))
    a.port.send(packet(a.mac, IPV4, ipv4([10, 0, 0, 5])))
    a.send(b.mac)
    expect(b.heard()).toHaveLength(3)
  })

  it('holds a card to its IP addresses where it has any', () => {
    const { stations } = lan({ spoofGuard: true, ips: ['10.0.0.5', 'fd00::5'] }, {})
    const [a, b] = stations as [Station, Station]
    const count = (type: number, payload: readonly number[]): number => {
      a.port.send(packet(a.mac, type, payload))
      return b.heard().length
    }
    expect(count(ARP, arp(a.mac, [10, 0, 0, 6]))).toBe(0)
    expect(count(IPV4, ipv4([10, 0, 0, 6]))).toBe(0)
    expect(count(IPV4, [0x45])).toBe(0)
    expect(count(ARP, arp(a.mac, [10, 0, 0, 5]))).toBe(1)
    expect(count(IPV4, ipv4([10, 0, 0, 5]))).toBe(1)
    // DHCP asks from no address.
    expect(count(IPV4, ipv4([0, 0, 0, 0]))).toBe(1)
  })
})

describe('a capture', () => {
  it('is a file of libpcap with the time of each frame', () => {
    const time = new HandTime()
    const to = new PassThrough()
    const pcap = new PcapWriter(to, time.clock, 8)
    time.pass(1.5 * SECOND)
    pcap.write(frame(mac(1), mac(2)).bytes)
    const file = to.read() as Buffer
    expect([file.readUInt32LE(0).toString(16), file.readUInt32LE(20), file.length]).toEqual(['a1b23c4d', 1, 48])
    const record = [24, 28, 32, 36].map((at) => file.readUInt32LE(at))
    expect(record).toEqual([1_700_000_001, 500_000_000, 8, 19])
    expect(file.subarray(40).toString('hex')).toBe('00163e0000020016')
  })

  it('leaves frames out rather than hold anybody up', () => {
    const pcap = new PcapWriter(new PassThrough(), new HandTime().clock)
    const long = new Uint8Array(60_000)
    for (let i = 0; i < 200; i++) pcap.write(long)
    expect(pcap.frames).toBeLessThan(72)
    expect(pcap.frames + pcap.lost).toBe(200)
  })
})
