import { expect, test } from 'vitest'
import { seeded } from '../../src/conformance/workload.ts'
import { FramedOutput } from '../../src/console/framed-output.ts'

const MARKS = { first: 'abab', second: 'abba' }
const BEGIN = 'abababba:'
const END = 'abbaabab:'

/** Text of the letters that marks are made of: many beginnings of marks, and no mark. */
function noise(random: () => number, length: number): string {
  let text = ''
  while (text.length < length) text += 'ab:0\r\n'[Math.floor(random() * 6)]
  return /abababba:|abbaabab:\d/.test(text) ? noise(random, length) : text
}

function inPieces(text: string, random: () => number): string[] {
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    const length = 1 + Math.floor(random() ** 3 * 40)
    pieces.push(text.slice(at, at + length))
    at += length
  }
  return pieces
}

test('what stands between two marks is found, however it comes in pieces and whatever stands around it', () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const random = seeded(seed)
    const [before, output, after] = [noise(random, 30), noise(random, Math.floor(random() * 200)), noise(random, 30)]
    const status = Math.floor(random() * 256)
    const stream = `${before}${BEGIN}${output}${END}${status}:${after}`
    // By the first of each mark, wherever noise and marks make another one together.
    const from = stream.indexOf(BEGIN) + BEGIN.length
    const end = /abbaabab:(\d{1,3}):/.exec(stream.slice(from))!
    const expected = { output: stream.slice(from, from + end.index).replaceAll('\r\n', '\n'), status: Number(end[1]) }
    const framed = new FramedOutput(MARKS, 1000)
    for (const piece of inPieces(stream, random)) framed.push(piece)
    expect([seed, framed.result, framed.tooLong]).toEqual([seed, expected, false])
  }
})

test('what is too long is known when it is, though its end never comes', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed)
    const framed = new FramedOutput(MARKS, 100)
    let pushed = 0
    for (const piece of inPieces(`${BEGIN}${noise(random, 400)}`, random)) {
      framed.push(piece)
      pushed += piece.length
      if (framed.tooLong) break
    }
    expect([seed, framed.tooLong, framed.result]).toEqual([seed, true, undefined])
    expect(pushed).toBeLessThan(100 + BEGIN.length + 60)
  }
})
