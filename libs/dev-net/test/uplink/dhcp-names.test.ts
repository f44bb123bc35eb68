import { describe, expect, it } from 'vitest'
import { parseIpv4 } from '../../src/switch/ipv4-address.ts'
import { nameServerInDhcp } from '../../src/uplink/dhcp-names.ts'

const SERVER = '10.0.2.3'
const FRAME = { ip: 14, udp: 34, message: 42, options: 282 } as const
const MASK = [1, 4, 255, 255, 255, 0]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** An answer of a DHCP server with these options. */
function answer(options: readonly number[], [from, to] = [67, 68]): Buffer {
  const frame = Buffer.alloc(FRAME.options + options.length)
  frame.writeUInt16BE(0x0800, 12)
  frame[FRAME.ip] = 0x45
  frame.writeUInt16BE(frame.length - FRAME.ip, FRAME.ip + 2)
  frame[FRAME.ip + 9] = 17
  frame.writeUInt16BE(from, FRAME.udp)
  frame.writeUInt16BE(to, FRAME.udp + 2)
  frame.writeUInt16BE(frame.length - FRAME.udp, FRAME.udp + 4)
  frame.writeUInt16BE(0xabcd, FRAME.udp + 6)
  frame.writeUInt32BE(0x63825363, FRAME.options - 4)
  frame.set(options, FRAME.options)
  return frame
}

function told(frame: Buffer): Buffer {
  const copy = Buffer.from(frame)
  nameServerInDhcp(copy, parseIpv4(SERVER))
  return copy
}

describe('what DHCP tells a guest behind NAT of name servers', () => {
  it('is ours for each that the helper names, and no checksum', () => {
    const shown = told(answer([53, 1, 5, 0, 0, ...MASK, 6, 8, 192, 0, 2, 1, 192, 0, 2, 2, 3, 4, 10, 0, 2, 2, 255]))
    const ours = [10, 0, 2, 3]
    const expected = [53, 1, 5, 0, 0, ...MASK, 6, 8, ...ours, ...ours, 3, 4, 10, 0, 2, 2, 255]
    expect(hex(shown.subarray(FRAME.options))).toBe(hex(Uint8Array.from(expected)))
    expect(shown.readUInt16BE(FRAME.udp + 6)).toBe(0)
  })

  it.each([
    ['it names none', answer([...MASK, 255])],
    ['they stand behind its end', answer([255, 6, 4, 192, 0, 2, 1])],
    ['the option is longer than the packet', answer([6, 8, 192, 0, 2, 1])],
    ['the option is only begun', answer([...MASK, 6])],
    ['it is a question', answer([6, 4, 192, 0, 2, 1, 255], [68, 67])],
    ['it is no DHCP', answer([6, 4, 192, 0, 2, 1, 255]).fill(0, FRAME.options - 4, FRAME.options)],
    ['it is cut off', answer([6, 4, 192, 0, 2, 1, 255]).subarray(0, FRAME.options)],
  ])('is left as it is where %s', (_, frame) => {
    expect(hex(told(frame))).toBe(hex(frame))
  })

  it('never fails, wherever a frame is cut and whatever its bytes are', () => {
    const whole = answer([...MASK, 6, 4, 192, 0, 2, 1, 255])
    for (let length = 0; length <= whole.length; length++) told(whole.subarray(0, length))
    for (let at = 12; at < whole.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const frame = Buffer.from(whole)
        frame[at] = value
        expect(told(frame)).toHaveLength(whole.length)
      }
    }
  })
})
