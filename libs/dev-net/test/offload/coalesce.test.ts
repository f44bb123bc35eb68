import { randomBytes, randomInt } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { Coalescer } from '../../src/offload/coalesce.ts'
import { Finisher } from '../../src/offload/finish.ts'
import { type Frame, NO_OFFLOADS } from '../../src/switch/frame.ts'
import { type PacketShape, packet, readPacket } from './packets.ts'

const V4 = { version: 4, protocol: 'tcp', id: 0x1234, sequence: 0xffff_ff00, flags: 0x18 } as const
const SIZE = 1448

let out: Frame[]
let coalescer: Coalescer
beforeEach(() => {
  out = []
  coalescer = new Coalescer((frame) => void out.push({ ...frame, bytes: new Uint8Array(frame.bytes) }))
})

/** What a local program sends of a stream of `length` bytes, cut by the module that cuts. */
function segments(length: number, shape: Omit<PacketShape, 'payload'> = V4, size = SIZE): Frame[] {
  const frames: Frame[] = []
  const gso = { type: shape.version === 4 ? 'tcpv4' : 'tcpv6', size } as const
  const whole = { bytes: packet({ ...shape, payload: randomBytes(length) }), checksum: 'partial', gso } as const
  new Finisher().finish(whole, NO_OFFLOADS, (frame) => {
    frames.push({ ...frame, bytes: new Uint8Array(frame.bytes) })
    return true
  })
  return frames
}

function push(frames: readonly Frame[]): void {
  for (const frame of frames) coalescer.push(frame)
}

describe('segments that follow each other', () => {
  it.each([V4, { ...V4, version: 6 }, { ...V4, options: 3, tags: 1 }] as const)('are one packet: %j', (shape) => {
    const frames = segments(20_000, shape)
    push(frames)
    coalescer.flush()
    expect(out.length).toBe(1)
    expect(out[0]).toMatchObject({ checksum: 'partial', gso: { type: `tcpv${shape.version}`, size: SIZE } })
    // Cut again, they are what they were.
    const again: Uint8Array[] = []
    new Finisher().finish(out[0] as Frame, NO_OFFLOADS, ({ bytes }) => again.push(new Uint8Array(bytes)) > 0)
    expect(again).toEqual(frames.map(({ bytes }) => bytes))
  })

  it('are as many packets as the longest IP packet makes them, with all bytes in their order', () => {
    const shape = { ...V4, sequence: 7 }
    const all = [...Array(5).keys()].flatMap((n) => segments(40 * SIZE, { ...shape, sequence: 7 + n * 40 * SIZE }))
    const first = (all[0] as Frame).bytes
    // One flow: the same addresses and ports, and checksums that nobody looks at.
    for (const { bytes } of all) bytes.set(first.subarray(0, 12))
    for (const { bytes } of all) bytes.set(first.subarray(26, 38), 26)
    for (const { bytes } of all) bytes.set(first.subarray(42, 46), 42)
    for (const { bytes } of all) bytes.set(first.subarray(48, 50), 48)
    for (const { bytes } of all) bytes.set(first.subarray(52, 54), 52)
    push(all)
    coalescer.flush()
    const seen = out.map(({ bytes }) => readPacket(bytes, { ...shape, payload: bytes }))
    expect(out.every(({ bytes }) => bytes.length <= 14 + 65_535)).toBe(true)
    expect(out.length).toBeLessThan(8)
    expect(seen.every(({ headerGood, whole }) => headerGood && whole)).toBe(true)
    expect(
      Buffer.concat(seen.map(({ payload }) => payload)).equals(
        Buffer.concat(all.map(({ bytes }) => bytes.subarray(54))),
      ),
    ).toBe(true)
  })

  it('end with one that is shorter, at once', () => {
    push(segments(SIZE * 2 + 5))
    expect(out.map(({ bytes }) => bytes.length)).toEqual([54 + SIZE * 2 + 5])
  })

  it('are as they were, if there is one only', () => {
    const frames = segments(SIZE)
    push(frames)
    expect(out).toEqual([])
    coalescer.flush()
    coalescer.flush()
    expect(out).toEqual(frames)
  })
})

describe('what is no next segment goes through as it is, behind what came before', () => {
  /** @param by what is changed in the byte at `at` */
  const change = (at: number, by: (byte: number) => number) => (frame: Frame) => {
    frame.bytes.set([by(frame.bytes[at] as number)], at)
    return frame
  }
  const flip = (byte: number): number => byte ^ 1
  it.each<[string, (second: Frame) => Frame]>([
    ['another address', change(29, flip)],
    ['another port', change(35, flip)],
    ['another time to live', change(22, () => 3)],
    ['a byte that was sent before', change(41, flip)],
    ['another acknowledgement', change(45, flip)],
    ['another window', change(48, flip)],
    ['the end of the stream', change(47, () => 0x11)],
    ['a reset', change(47, () => 0x14)],
    ['a checksum that nobody knows', (frame) => ({ ...frame, checksum: 'unknown' })],
    ['padding', (frame) => ({ ...frame, bytes: Buffer.concat([frame.bytes, Buffer.alloc(2)]) })],
    ['no TCP', (frame) => ({ ...frame, bytes: packet({ version: 4, protocol: 'udp', payload: randomBytes(99) }) })],
    ['no IP', (frame) => ({ ...frame, bytes: randomBytes(60) })],
  ])('%s', (_, alter) => {
    const [first, second] = segments(SIZE * 2) as [Frame, Frame]
    const altered = alter(second)
    push([first, altered])
    coalescer.flush()
    expect(out.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(
      [first, altered].map(({ bytes }) => Buffer.from(bytes).toString('hex')),
    )
    expect(out.map(({ checksum }) => checksum)).toEqual([first.checksum, altered.checksum])
  })

  it('a segment that is longer than the first', () => {
    const [long] = segments(SIZE)
    const [short] = segments(100)
    push([short as Frame, long as Frame])
    coalescer.flush()
    expect(out).toEqual([short, long])
  })
})

it('two streams that take turns arrive with all their bytes', () => {
  const streams = [segments(30_000), segments(30_000)]
  const sent: Frame[] = []
  while (streams.some((stream) => stream.length > 0)) {
    const stream = streams[randomInt(2)] as Frame[]
    const some = stream.splice(0, randomInt(1, 5))
    sent.push(...some)
    push(some)
  }
  coalescer.flush()
  const cut: Buffer[] = []
  for (const frame of out) new Finisher().finish(frame, NO_OFFLOADS, ({ bytes }) => cut.push(Buffer.from(bytes)) > 0)
  expect(out.length).toBeLessThan(sent.length)
  expect(cut.length).toBe(sent.length)
  expect(cut.every((bytes, n) => bytes.equals((sent[n] as Frame).bytes))).toBe(true)
})
