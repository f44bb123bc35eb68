import { describe, expect, it } from 'vitest'
import type { Frame } from '../../src/switch/frame.ts'
import { HEADER_BYTES, virtioNetWire } from '../../src/uplink/virtio-net-wire.ts'

/** A frame of TCP over IPv4, with so many bytes of payload. */
function tcp(payload: number): Buffer {
  const bytes = Buffer.alloc(14 + 20 + 20 + payload)
  bytes.writeUInt16BE(0x0800, 12)
  bytes[14] = 0x45
  bytes.writeUInt16BE(bytes.length - 14, 16)
  bytes[23] = 6
  bytes[46] = 0x50
  return bytes
}

/** As the kernel would give it back what it was given. */
function again(frame: Frame): Frame | undefined {
  const wire = virtioNetWire()
  const header = wire.header(frame)
  return header && wire.frame(Buffer.concat([header, frame.bytes]))
}

describe('frames of a TAP device', () => {
  it.each([
    { checksum: 'unknown', gso: undefined },
    { checksum: 'valid', gso: undefined },
    { checksum: 'partial', gso: undefined },
    { checksum: 'partial', gso: { type: 'tcpv4', size: 1448 } },
  ] as const)('keep their state: %j', (state) => {
    const frame = { bytes: tcp(4000), ...state }
    expect(again(frame)).toEqual(frame)
  })

  it('say where the checksum and the segments are to be made, as virtio_net_hdr has it', () => {
    const header = virtioNetWire().header({ bytes: tcp(4000), checksum: 'partial', gso: { type: 'tcpv4', size: 1448 } })
    // flags NEEDS_CSUM, GSO_TCPV4, hdr_len 54, gso_size 1448, csum_start 34, csum_offset 16
    expect(Buffer.from(header ?? []).toString('hex')).toBe('01013600a80522001000')
  })

  it('are summed here where the checksum is one that nobody else knows', () => {
    const wire = virtioNetWire()
    const bytes = Buffer.from([...new Uint8Array(14), 1, 2, 3, 4, 0, 0])
    const header = Buffer.alloc(HEADER_BYTES)
    header[0] = 1
    header.writeUInt16LE(14, 6)
    header.writeUInt16LE(4, 8)
    const frame = wire.frame(Buffer.concat([header, bytes]))
    expect(frame).toMatchObject({ checksum: 'valid', gso: undefined })
    expect(Buffer.from(frame?.bytes ?? []).readUInt16BE(18)).toBe(~(0x0102 + 0x0304) & 0xffff)
  })

  it.each([
    ['no frame at all', Buffer.alloc(HEADER_BYTES)],
    ['segments of no length', Buffer.concat([Buffer.from('01013600000022001000', 'hex'), tcp(4000)])],
    ['segments of UDP', Buffer.concat([Buffer.from('01033600a80522001000', 'hex'), tcp(4000)])],
    ['segments without a checksum', Buffer.concat([Buffer.from('00013600a80522001000', 'hex'), tcp(4000)])],
    ['a checksum that is outside', Buffer.concat([Buffer.from('01000000000000ff00ff', 'hex'), tcp(10)])],
  ])('are none with %s', (_, record) => {
    expect(virtioNetWire().frame(record)).toBeUndefined()
  })

  it('are not written if they say of themselves what is not true', () => {
    expect(virtioNetWire().header({ bytes: new Uint8Array(60), checksum: 'partial', gso: undefined })).toBeUndefined()
  })
})
