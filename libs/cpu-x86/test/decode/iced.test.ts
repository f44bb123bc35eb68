import { describe, expect, it } from 'vitest'
import { decode } from '../../src/decode/decoder.ts'
import { randomCases, STRIDE, structuredCases, vexCases } from './cases.ts'
import { difference } from './differences.ts'
import { machineCode } from './elf-text.ts'
import { Iced } from './iced-text.ts'

const hex = (bytes: Uint8Array, at: number) => Buffer.from(bytes.subarray(at, at + STRIDE)).toString('hex')

/** Compares at the places that `next` leads to; answers the first differences. */
function compare(bytes: Uint8Array, mode: 32 | 64, next: (at: number, length: number) => number): string[] {
  const iced = new Iced(bytes, mode)
  const found: string[] = []
  for (let at = 0; at + STRIDE <= bytes.length && found.length < 20; ) {
    const theirs = iced.decode(at)
    const answer = difference(decode(bytes, at, bytes.length, mode), theirs)
    if (answer !== undefined) found.push(`${hex(bytes, at)}: ${answer}`)
    at = next(at, theirs.length)
  }
  iced.free()
  return found
}

describe.each([64, 32] as const)('in %i-bit mode, decoding agrees with iced', (mode) => {
  const step = (at: number) => at + STRIDE

  it('on each opcode with each prefix and extension', () => {
    for (const seed of [1, 2, 3]) expect(compare(structuredCases(seed), mode, step)).toEqual([])
  })

  it('on random instructions', () => {
    expect(compare(randomCases(4, 250_000), mode, step)).toEqual([])
  })

  it('on VEX encodings', () => {
    expect(compare(vexCases(5), mode, step)).toEqual([])
  })

  it('on the code of a real program, one instruction after the other', () => {
    expect(compare(machineCode(process.execPath, 1 << 20), mode, (at, length) => at + length)).toEqual([])
  })
})
