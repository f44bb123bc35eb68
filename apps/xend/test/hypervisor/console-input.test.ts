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
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
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
  vi.advanceTimersByTime(100_000)
  expect([one.destroyed, other.destroyed]).toEqual([false, false])
})

test('a client is let go of which the guest takes nothing for a minute', async () => {
  const stuck = client()
  stuck.write('0123456789')
  await turn()
  vi.advanceTimersByTime(59_000)
  expect(stuck.destroyed).toBe(false)
  vi.advanceTimersByTime(1000)
  expect(stuck.destroyed).toBe(true)
})

test('nothing is left of clients when the guest has ended', async () => {
  const stuck = client()
  stuck.write('0123456789')
  await turn()
  input.end()
  expect(vi.getTimerCount()).toBe(0)
})
