import { expect, test } from 'vitest'
import { HostedConsole } from '../../src/host/domain-console.ts'
import { PAGE_SIZE, sharedPage } from '../../src/ring/shared-page.ts'

/** Words of `struct xencons_interface`: in_cons and in_prod. */
const [IN_CONS, IN_PROD] = [768, 769]

/** A guest that takes what is typed when it is told to. @param defer holds back what comes from outside */
function scene(defer: (action: () => void) => void = (action) => action()) {
  const memory = new SharedArrayBuffer(PAGE_SIZE)
  const bytes = new Uint8Array(memory)
  const words = new Uint32Array(memory)
  const console = new HostedConsole({
    page: sharedPage(memory, 0, () => {}),
    notify: () => {},
    fromOutside: defer,
  })
  let taken = 0
  const take = (limit: number): void => {
    for (const end = taken + limit; taken < end; ) {
      if (words[IN_CONS] === words[IN_PROD]) {
        console.poke()
        if (words[IN_CONS] === words[IN_PROD]) return
      }
      expect(bytes[(words[IN_CONS] as number) & 1023]).toBe(taken & 0xff)
      words[IN_CONS]!++
      taken++
    }
  }
  let typed = 0
  const type = (count: number): boolean => console.write(Uint8Array.from({ length: count }, () => typed++ & 0xff))
  return { console, type, take, taken: () => taken }
}

test('input waits without a loss, and says when no more of it is welcome and when it is again', () => {
  const { console, type, take, taken } = scene()
  let drained = 0
  console.onDrain(() => drained++)
  let written = 0
  do written += 1000
  while (type(1000))
  // 64 KiB twice, here and before the ring, and the ring.
  expect(written).toBeGreaterThan(128 * 1024)
  expect(written).toBeLessThan(131 * 1024)
  expect(drained).toBe(0)
  take(100_000)
  expect(drained).toBe(1)
  expect(type(10)).toBe(true)
  take(1_000_000)
  expect(taken()).toBe(written + 10)
  expect(drained).toBe(1)
})

test('what has not reached its place in the order of events counts as well', () => {
  const held: (() => void)[] = []
  const { console, type, take, taken } = scene((action) => held.push(action))
  let drained = 0
  const stop = console.onDrain(() => drained++)
  expect(type(60_000)).toBe(true)
  expect(type(60_000)).toBe(false)
  for (const action of held) action()
  take(200_000)
  expect([taken(), drained]).toEqual([120_000, 1])
  stop()
  while (type(60_000));
  for (const action of held.splice(2)) action()
  take(1_000_000)
  expect(drained).toBe(1)
})

test('a console that is closed takes anything, as nobody will ask for more', () => {
  const { console, type } = scene()
  console.close()
  for (let n = 0; n < 100; n++) expect(type(10_000)).toBe(true)
})
