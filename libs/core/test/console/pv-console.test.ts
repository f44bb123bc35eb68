import { describe, expect, test } from 'vitest'
import { PvConsole } from '../../src/console/pv-console.ts'
import { PAGE_SIZE, sharedPage } from '../../src/ring/shared-page.ts'

/** Words of `struct xencons_interface`. */
const INDEX = { inCons: 768, inProd: 769, outCons: 770, outProd: 771 }

/** The guest's half, written without our ring code, and what domain 0 saw. */
function scene(start = 0) {
  const memory = new SharedArrayBuffer(2 * PAGE_SIZE)
  const bytes = new Uint8Array(memory, PAGE_SIZE)
  const words = new Uint32Array(memory, PAGE_SIZE)
  for (const word of Object.values(INDEX)) words[word] = start
  const seen = { output: '', chunks: 0, notified: 0, spaces: 0 }
  const console = new PvConsole(
    sharedPage(memory, PAGE_SIZE, () => {}),
    () => void seen.notified++,
    {
      output: (chunk) => {
        seen.output += Buffer.from(chunk).toString('latin1')
        seen.chunks++
      },
      inputSpace: () => void seen.spaces++,
    },
  )
  const print = (text: string) => {
    const room = 2048 - ((words[INDEX.outProd]! - words[INDEX.outCons]!) >>> 0)
    const sent = text.slice(0, room)
    for (const char of sent) bytes[1024 + (words[INDEX.outProd]!++ & 2047)] = char.charCodeAt(0)
    return sent.length
  }
  const type = (limit = 1024) => {
    let text = ''
    while (text.length < limit && words[INDEX.inCons] !== words[INDEX.inProd]) {
      text += String.fromCharCode(bytes[words[INDEX.inCons]!++ & 1023]!)
    }
    return text
  }
  return { console, seen, print, type, words, memory }
}

const text = (length: number) => Array.from({ length }, (_, i) => String.fromCharCode(32 + (i % 95))).join('')
const keys = (typed: string) => Buffer.from(typed, 'latin1')

describe('output', () => {
  test.each([0, 0xffff_fc00, 0x7fff_ff00])('of any length arrives in order (indices from %i)', (start) => {
    const { console, seen, print } = scene(start)
    const all = text(10_000)
    for (let at = 0; at < all.length; console.poke()) at += print(all.slice(at, at + 1500))
    expect(seen.output).toBe(all)
  })
  test('is acknowledged with an event, once; nothing is not', () => {
    const { console, seen, print } = scene()
    print('hello\n')
    console.poke()
    console.poke()
    expect(seen).toEqual({ output: 'hello\n', chunks: 1, notified: 1, spaces: 0 })
  })
  test('written last is handed over when the console closes, and none after', () => {
    const { console, seen, print } = scene()
    print('last words')
    console.close()
    print('more')
    console.poke()
    expect([seen.output, seen.notified, console.stopped]).toEqual(['last words', 0, 'closed'])
  })
})

describe('input', () => {
  test('waits for room in the ring, in order', () => {
    const { console, seen, type } = scene(0xffff_ff00)
    const all = text(5000)
    expect(console.write(keys(all.slice(0, 3000)))).toBe(3000)
    expect(console.write(keys(all.slice(3000)))).toBe(2000)
    let read = ''
    for (let polls = 0; polls < 30; polls++) {
      read += type(300)
      console.poke()
    }
    expect(read).toBe(all)
    expect(seen.notified).toBeGreaterThan(3)
  })
  test('beyond 64 KiB is not accepted until the guest reads', () => {
    const { console, seen, type } = scene()
    expect(console.write(new Uint8Array(70_000))).toBe(65_536)
    expect(console.write(keys('x'))).toBe(1)
    expect(console.write(new Uint8Array(2000))).toBe(1023)
    console.poke()
    expect(seen.spaces).toBe(0)
    type()
    console.poke()
    expect(seen.spaces).toBe(1)
    type()
    console.poke()
    expect(seen.spaces).toBe(1)
  })
  test('is taken while output is handed over', () => {
    const { memory, print, words } = scene()
    const echo: PvConsole = new PvConsole(
      sharedPage(memory, PAGE_SIZE, () => {}),
      () => {},
      { output: (chunk) => void echo.write(chunk) },
    )
    print('ping')
    echo.poke()
    expect(words[INDEX.inProd]).toBe(4)
  })
})

describe('a guest that breaks the ring stops its console, with the reason', () => {
  test.each([
    ['outProd', 2049, /output producer/],
    ['outProd', 0xffff_ffff, /output producer/],
    ['inCons', 1, /input consumer/],
    ['inCons', 0x8000_0000, /input consumer/],
  ] as const)('%s = %i', (word, value, reason) => {
    const { console, seen, words } = scene()
    words[INDEX[word]] = value
    console.write(keys('x'))
    console.poke()
    expect(console.stopped).toMatch(reason)
    expect(console.write(keys('x'))).toBe(0)
    expect([seen.output, seen.notified]).toEqual(['', word === 'outProd' ? 1 : 0])
  })
  test('but cannot move our indices', () => {
    const { console, seen, print, words } = scene()
    print('abc')
    console.poke()
    words[INDEX.outCons] = 77
    words[INDEX.outCons] = 3
    print('def')
    console.poke()
    expect(seen.output).toBe('abcdef')
  })
  test('and one that never stops writing is left after a bounded amount', () => {
    const { memory, print } = scene()
    let chunks = 0
    const endless: PvConsole = new PvConsole(
      sharedPage(memory, PAGE_SIZE, () => {}),
      () => {},
      {
        output: () => {
          if (++chunks < 1000) print('y')
        },
      },
    )
    print('y')
    endless.poke()
    expect(chunks).toBeLessThan(100)
  })
})
