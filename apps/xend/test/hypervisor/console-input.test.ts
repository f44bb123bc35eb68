import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { DomainConsole } from '@paravane/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ConsoleInput } from '../../src/hypervisor/console-input.ts'

/** A guest that takes 10 bytes and no more until it is told to. */
class SlowGuest implements DomainConsole {
  text = ''
  #limit = 10
  readonly #drained = new Set<() => void>()

  write(bytes: Uint8Array): boolean {
    this.text += Buffer.from(bytes).toString()
    return this.text.length < this.#limit
  }

  onDrain(listener: () => void): () => void {
    this.#drained.add(listener)
    return () => void this.#drained.delete(listener)
  }

  onOutput(): () => void {
    return () => {}
  }

  takes(more: number): void {
    this.#limit = this.text.length + more
    for (const listener of this.#drained) listener()
  }
}

let guest: SlowGuest
let input: ConsoleInput
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  guest = new SlowGuest()
  input = new ConsoleInput(guest)
})
afterEach(() => vi.useRealTimers())

const client = (): PassThrough => {
  const stream = new PassThrough()
  input.from(stream)
  return stream
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('clients wait while the guest takes nothing, and go on when it does', async () => {
  const [one, other] = [client(), client()]
  one.write('0123456789')
  await turn()
  one.write('abc')
  other.write('xyz')
  await turn()
  await turn()
  expect(guest.text).toBe('0123456789xyz')
  other.write('more')
  await turn()
  expect(guest.text).toBe('0123456789xyz')
  guest.takes(20)
  await turn()
  expect(guest.text).toBe('0123456789xyzabcmore')
  expect(input.bytes).toBe(20)
  expect(vi.getTimerCount()).toBe(0)
})

test('a client that hangs up while it waits is noticed, one that stays is not let go', async () => {
  vi.useRealTimers()
  const path = join(tmpdir(), `paravane-input-${process.pid}.sock`)
  const served: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    input.from(socket)
    served.push(socket)
  }).listen(path)
  await once(server, 'listening')
  const [gone, stays] = [connect(path), connect(path)]
  for (const socket of [gone, stays]) socket.write('x'.repeat(200_000))
  await expect.poll(() => served.filter((socket) => socket.isPaused()).length).toBe(2)
  gone.destroy()
  await expect.poll(() => served.filter(({ destroyed }) => destroyed).length, { timeout: 10_000 }).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect(served.filter(({ destroyed }) => destroyed)).toHaveLength(1)
  guest.takes(1_000_000)
  await expect.poll(() => guest.text.length).toBeGreaterThanOrEqual(265_000)
  stays.destroy()
  server.close()
})

test('nothing is left of clients when the guest has ended', async () => {
  const stuck = client()
  stuck.write('0123456789')
  await turn()
  input.end()
  expect(vi.getTimerCount()).toBe(0)
})
