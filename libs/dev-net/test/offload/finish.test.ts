import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Finisher, SEGMENTS_MAX } from '../../src/offload/finish.ts'
import { ALL_OFFLOADS, type Frame, NO_OFFLOADS, type Offloads } from '../../src/switch/frame.ts'
import { type PacketShape, packet, readPacket } from './packets.ts'

function finished(frame: Frame, offloads: Offloads = NO_OFFLOADS): Frame[] | undefined {
  const frames: Frame[] = []
  const taken = new Finisher().finish(frame, offloads, (each) => {
    frames.push({ ...each, bytes: each.bytes.slice() })
    return true
  })
  return taken ? frames : undefined
}

const partial = (bytes: Uint8Array): Frame => ({ bytes, checksum: 'partial', gso: undefined })

const shapes: readonly Omit<PacketShape, 'payload'>[] = [
  { version: 4, protocol: 'tcp' },
  { version: 4, protocol: 'udp' },
  { version: 6, protocol: 'tcp' },
  { version: 6, protocol: 'udp' },
  { version: 4, protocol: 'tcp', tags: 1, options: 3 },
  { version: 6, protocol: 'tcp', tags: 2, extension: true, options: 10 },
]

describe('a checksum that was left undone', () => {
  it.each(shapes)('is right afterwards: %j', (shape) => {
    for (let round = 0; round < 200; round++) {
      const payload = randomBytes(randomInt(0, 1500))
      // Frames on the wire are padded: what follows the packet is not summed.
      const bytes = Buffer.concat([packet({ ...shape, payload }), randomBytes(round % 2 === 0 ? 0 : 6)])
      const [made, ...more] = finished(partial(bytes)) ?? []
      expect(more).toEqual([])
      expect(made).toMatchObject({ checksum: 'valid', gso: undefined })
      expect((made as Frame).bytes.length).toBe(bytes.length)
      const seen = readPacket((made as Frame).bytes, { ...shape, payload })
      expect(seen).toMatchObject({ checksumGood: true, headerGood: true })
      expect(seen.payload.equals(payload)).toBe(true)
    }
  })

  it('of zero is sent as ones in UDP, where zero means none', () => {
    const seen = new Set<number>()
    const bytes = Buffer.from(packet({ version: 4, protocol: 'udp', payload: Buffer.alloc(2) }))
    for (let word = 0; word < 0x1_0000; word++) {
      bytes.writeUInt16BE(word, 42)
      const [made] = finished(partial(bytes)) ?? []
      seen.add(Buffer.from((made as Frame).bytes).readUInt16BE(40))
    }
    expect([seen.has(0), seen.has(0xffff), seen.size]).toEqual([false, true, 0xffff])
  })

  it('is left undone for who takes it so, by version', () => {
    const [v4, v6] = ([4, 6] as const).map((version) =>
      partial(packet({ version, protocol: 'tcp', payload: randomBytes(9) })),
    ) as [Frame, Frame]
    const onlyV4 = { ...NO_OFFLOADS, checksumV4: true }
    expect(finished(v4, onlyV4)?.[0]?.checksum).toBe('partial')
    expect(finished(v6, onlyV4)?.[0]?.checksum).toBe('valid')
    expect(finished(v6, ALL_OFFLOADS)?.[0]?.checksum).toBe('partial')
  })
})

describe('a TCP packet that is too long', () => {
  it.each(shapes.filter(({ protocol }) => protocol === 'tcp'))('is cut in segments: %j', (shape) => {
    for (let round = 0; round < 100; round++) {
      const payload = randomBytes(randomInt(0, round % 10 === 0 ? 65_000 : 9000))
      const size = randomInt(Math.ceil(payload.length / SEGMENTS_MAX) + 1, payload.length > 9000 ? 9000 : 3000)
      const sequence = round % 2 === 0 ? 0xffff_fc00 : randomInt(0xffff_ffff)
      const whole = { ...shape, payload, sequence, flags: 0x99, id: 0xfffe }
      const gso = { type: shape.version === 4 ? 'tcpv4' : 'tcpv6', size } as const
      const frames = finished({ ...partial(packet(whole)), gso }) ?? []
      expect(frames.length).toBe(Math.max(1, Math.ceil(payload.length / size)))
      const seen = frames.map(({ bytes }) => readPacket(bytes, whole))
      expect(Buffer.concat(seen.map((each) => each.payload)).equals(payload)).toBe(true)
      for (const [n, each] of seen.entries()) {
        const isLast = n === frames.length - 1
        expect(each).toMatchObject({ whole: true, headerGood: true, checksumGood: true })
        expect(each.sequence).toBe((sequence + n * size) % 2 ** 32)
        expect(each.flags).toBe((n === 0 ? 0x80 : 0) | 0x10 | (isLast ? 0x09 : 0))
        expect(each.id).toBe(shape.version === 4 ? (0xfffe + n) % 0x1_0000 : 0)
      }
    }
  })

  it('is cut and left without checksums for who takes them so', () => {
    const shape: PacketShape = { version: 4, protocol: 'tcp', payload: randomBytes(4000) }
    const frame = { ...partial(packet(shape)), gso: { type: 'tcpv4', size: 1448 } } as const
    const frames = finished(frame, { ...NO_OFFLOADS, checksumV4: true }) ?? []
    expect(frames.map(({ checksum }) => checksum)).toEqual(['partial', 'partial', 'partial'])
    const again = frames.flatMap((each) => finished(each) ?? [])
    expect(again.every(({ bytes }) => readPacket(bytes, shape).checksumGood)).toBe(true)
  })

  it.each([4, 6] as const)('stays whole with its checksum for who takes it so: IPv%d', (version) => {
    const shape: PacketShape = { version, protocol: 'tcp', payload: randomBytes(60_000) }
    const frame = { ...partial(packet(shape)), gso: { type: `tcpv${version}`, size: 1448 } } as const
    const [made, ...more] = finished(frame, { ...NO_OFFLOADS, uncut: true }) ?? []
    expect(more).toEqual([])
    expect(made).toMatchObject({ checksum: 'valid', gso: undefined })
    expect(readPacket((made as Frame).bytes, shape)).toMatchObject({
      whole: true,
      headerGood: true,
      checksumGood: true,
    })
  })

  it('stays whole for who takes it so', () => {
    const frame = { ...partial(packet({ version: 6, protocol: 'tcp', payload: randomBytes(4000) })) }
    const gso = { type: 'tcpv6', size: 1440 } as const
    expect(finished({ ...frame, gso }, ALL_OFFLOADS)).toMatchObject([{ gso, checksum: 'partial' }])
  })
})

describe('a frame that says of itself what is not true', () => {
  it.each([
    ['is too short', new Uint8Array(13), undefined],
    ['is no IP', new Uint8Array(60), undefined],
    ['is UDP and to be cut', packet({ version: 4, protocol: 'udp', payload: randomBytes(99) }), 'tcpv4'],
    ['is of the other version', packet({ version: 6, protocol: 'tcp', payload: randomBytes(99) }), 'tcpv4'],
    ['ends too early', packet({ version: 4, protocol: 'tcp', payload: randomBytes(99) }).subarray(0, 90), undefined],
  ] as const)('gives nothing: it %s', (_, bytes, type) => {
    expect(finished({ ...partial(bytes), gso: type && { type, size: 10 } })).toBeUndefined()
  })

  it('gives nothing where it would be thousands of frames', () => {
    const bytes = packet({ version: 4, protocol: 'tcp', payload: randomBytes(60_000) })
    const cut = (size: number): number | undefined =>
      finished({ ...partial(bytes), gso: { type: 'tcpv4', size } })?.length
    expect([cut(29), cut(30)]).toEqual([undefined, 2000])
  })

  it('never makes it fail, whatever the bytes are', () => {
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(packet({ version: round % 2 ? 4 : 6, protocol: 'tcp', payload: randomBytes(40) }))
      for (let edits = randomInt(1, 4); edits > 0; edits--) bytes[randomInt(12, 60)] = randomInt(256)
      const gso =
        round % 3 === 0 ? undefined : ({ type: round % 2 ? 'tcpv4' : 'tcpv6', size: randomInt(1, 50) } as const)
      const frame = { ...partial(bytes.subarray(0, randomInt(bytes.length + 1))), gso }
      for (const made of finished(frame) ?? []) expect(made.bytes.length).toBeLessThanOrEqual(bytes.length)
    }
  })
})
