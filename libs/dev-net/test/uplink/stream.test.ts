import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { plainWire, StreamEnd } from '../../src/uplink/stream-end.ts'
import { StreamError, StreamReader, StreamWriter } from '../../src/uplink/stream-frames.ts'
import { lan, mac, type Station } from '../switch/stations.ts'

const framed = (...frames: readonly string[]): Buffer =>
  Buffer.concat(frames.flatMap((text) => [Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]))

describe('a stream of frames', () => {
  it('gives the same frames however it is cut', () => {
    const whole = framed('first', 'a', 'a longer one', 'last')
    for (let cut = 0; cut <= whole.length; cut++) {
      for (let second = cut; second <= whole.length; second++) {
        const got: string[] = []
        const reader = new StreamReader()
        for (const part of [whole.subarray(0, cut), whole.subarray(cut, second), whole.subarray(second)]) {
          reader.push(part, (frame) => got.push(frame.toString()))
        }
        expect(got).toEqual(['first', 'a', 'a longer one', 'last'])
      }
    }
  })

  it.each([0, 65_568, 0xffff_ffff])('refuses a length of %d', (length) => {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32BE(length)
    expect(() => new StreamReader().push(bytes, () => {})).toThrow(StreamError)
    const slowly = new StreamReader()
    expect(() => {
      for (const byte of bytes) slowly.push(Buffer.of(byte), () => {})
    }).toThrow(`a frame of ${length} bytes`)
  })

  it('is written in few pieces, each frame once', () => {
    const writer = new StreamWriter()
    const pieces: Buffer[] = []
    for (let i = 0; i < 100; i++) {
      const full = writer.add(Uint8Array.of(), new Uint8Array(5000).fill(i))
      if (full !== undefined) pieces.push(full)
    }
    const rest = writer.take()
    if (rest !== undefined) pieces.push(rest)
    expect(writer.take()).toBeUndefined()
    expect(pieces.length).toBeLessThan(6)
    const got: number[] = []
    const reader = new StreamReader()
    for (const piece of pieces)
      reader.push(piece, (frame) => got.push(frame.length === 5000 ? (frame[0] as number) : -1))
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })
})

/** The other end of a stream, which takes nothing until it is told to. */
class SlowStream extends Duplex {
  readonly taken: Buffer[] = []
  #go: (() => void) | undefined

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.taken.push(chunk)
    this.#go = done
  }

  override _read(): void {}

  takeOne(): void {
    this.#go?.()
  }
}

describe('a port that is joined to a stream', () => {
  it('passes frames both ways, and is busy while the other end does not take them', async () => {
    const { bridge, stations } = lan({})
    const [guest] = stations as [Station]
    const end = new StreamEnd(plainWire(true))
    const port = bridge.plug(
      { name: 'up', domainName: 'Domain-0', mac: mac(9), spoofGuard: false, ips: [], forwards: [] },
      end,
    )
    end.plug(port)
    const stream = new SlowStream()
    end.connect(stream, () => {})
    port.setLink(true)
    const fromOutside = Buffer.from([...guest.mac, ...mac(8), 0x88, 0xb5, ...Buffer.from('in')])
    stream.push(Buffer.concat([Buffer.from([0, 0, 0, fromOutside.length]), fromOutside]))
    await new Promise((resolve) => setImmediate(resolve))
    expect(guest.received.at(-1)).toMatchObject({ checksum: 'valid' })
    expect(guest.heard().at(-1)).toBe('8>in')
    let sent = 0
    while (guest.send(mac(8), 'x'.repeat(1486)) && sent < 10_000) sent++
    guest.port.flush()
    expect(sent).toBeGreaterThan(300)
    expect(sent).toBeLessThan(1000)
    for (let i = 0; i < 100 && guest.resumed === 0; i++) {
      stream.takeOne()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(guest.resumed).toBe(1)
    expect(guest.send(mac(8))).toBe(true)
  })

  it('cuts off who breaks the protocol', async () => {
    const { bridge } = lan({})
    const end = new StreamEnd(plainWire(false))
    end.plug(
      bridge.plug({ name: 'up', domainName: 'Domain-0', mac: mac(9), spoofGuard: false, ips: [], forwards: [] }, end),
    )
    const stream = new SlowStream()
    const told: string[] = []
    end.connect(stream, (why) => told.push(why))
    stream.push(Buffer.alloc(4, 0xff))
    await new Promise((resolve) => setImmediate(resolve))
    expect([told, stream.destroyed]).toEqual([['a frame of 4294967295 bytes'], true])
  })
})
