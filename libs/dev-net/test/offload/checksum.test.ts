import { randomBytes, randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { sum } from '../../src/offload/checksum.ts'
import { plainSum } from './packets.ts'

it('is as in the example of RFC 1071, section 3', () => {
  expect(sum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7), 0, 8)).toBe(0xddf2)
})

it('of an IPv4 header that is known', () => {
  const header = Buffer.from('4500003c1c4640004006b1e6ac100a63ac100a0c', 'hex')
  expect(sum(header, 0, header.length)).toBe(0xffff)
})

it('is the plain sum, wherever a packet lies in its buffer and however long it is', () => {
  const buffer = new SharedArrayBuffer(140_000)
  const all = new Uint8Array(buffer)
  all.set(randomBytes(all.length))
  for (let round = 0; round < 3000; round++) {
    const start = randomInt(0, 9)
    const bytes = all.subarray(start, start + randomInt(1, round % 10 === 0 ? 130_000 : 90))
    const from = randomInt(0, bytes.length)
    const to = randomInt(from, bytes.length + 1)
    expect(sum(bytes, from, to, 5)).toBe(plainSum(Buffer.concat([Buffer.from([0, 5]), bytes.subarray(from, to)])))
  }
})

it('of bytes that are all ones keeps every carry', () => {
  expect(sum(new Uint8Array(0xffff).fill(0xff), 1, 0xffff)).toBe(0xffff)
})

it('reads up to the end of a buffer whose length is odd', () => {
  const bytes = new Uint8Array(randomBytes(1027).buffer.slice(0, 1027))
  expect(sum(bytes, 0, 1027)).toBe(plainSum(bytes))
})
