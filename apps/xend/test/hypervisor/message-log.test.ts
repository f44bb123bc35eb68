import { expect, test } from 'vitest'
import { MessageLog } from '../../src/hypervisor/message-log.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

test('lines of guests are put together from what they write, beside our own', () => {
  const log = new MessageLog()
  log.guest(1, bytes('one '))
  log.guest(2, bytes('other\n'))
  log.say('d3 crashed\nits stack')
  log.guest(1, bytes('line\ntwo'))
  log.end(1)
  log.end(2)
  expect(log.text()).toBe('(d2) other\n(XEN) d3 crashed\n(XEN) its stack\n(d1) one line\n(d1) two\n')
  log.clear()
  expect(log.text()).toBe('')
})

test('a guest cannot speak to the terminal of who reads, nor hold memory by never ending a line', () => {
  const log = new MessageLog()
  log.guest(1, bytes('\u001b[2Jred\u0000\u009b\ttab\n'))
  log.guest(1, bytes('x'.repeat(450)))
  log.end(1)
  expect(log.text()).toBe(
    `(d1) [2Jred\ttab\n(d1) ${'x'.repeat(200)}\n(d1) ${'x'.repeat(200)}\n(d1) ${'x'.repeat(50)}\n`,
  )
  for (let n = 0; n < 10_000; n++) log.guest(1, bytes(`${'y'.repeat(199)}\n`))
  expect(log.text().length).toBeLessThanOrEqual(2 * 65_536)
})
