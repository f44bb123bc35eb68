import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { flowHash } from '../../src/netback/flow-hash.ts'
import { packet } from '../offload/packets.ts'

const QUEUES = 4

it.each([4, 6] as const)('flows of IPv%d between the same two machines are spread, each by its ports', (version) => {
  const bytes = Buffer.from(packet({ version, protocol: 'tcp', payload: randomBytes(99) }))
  const ports = version === 4 ? 34 : 54
  const counts = new Array<number>(QUEUES).fill(0)
  for (let port = 40_000; port < 40_400; port++) {
    bytes.writeUInt16BE(port, ports)
    const queue = flowHash(bytes) % QUEUES
    counts[queue] = (counts[queue] as number) + 1
    // What is no part of the flow is of no account.
    bytes.writeUInt32BE(port, ports + 4)
    expect(flowHash(bytes) % QUEUES).toBe(queue)
  }
  expect(Math.min(...counts)).toBeGreaterThan(50)
})

it('fragments go where the others of their packet go, which have no ports', () => {
  const first = Buffer.from(packet({ version: 4, protocol: 'udp', payload: randomBytes(99) }))
  first.writeUInt16BE(0x2000, 20)
  const second = Buffer.concat([first.subarray(0, 34), randomBytes(99)])
  second.writeUInt16BE(0x0100, 20)
  expect(flowHash(second)).toBe(flowHash(first))
})

it.each([0, 13, 33, 40, 53])('of %d bytes is a number all the same', (length) => {
  for (const version of [4, 6] as const) {
    const bytes = packet({ version, protocol: 'tcp', payload: randomBytes(9) }).subarray(0, length)
    expect(flowHash(bytes)).toBeGreaterThanOrEqual(0)
  }
})
