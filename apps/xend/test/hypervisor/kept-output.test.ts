import { expect, test } from 'vitest'
import { KeptOutput } from '../../src/hypervisor/kept-output.ts'

const BLOCK = 65_536
const text = (kept: KeptOutput): string => Buffer.concat(kept.pieces()).toString('latin1')

test('what was written is kept, however it came', () => {
  const kept = new KeptOutput(2)
  expect(text(kept)).toBe('')
  for (const part of ['a', '', 'bc']) kept.push(Buffer.from(part))
  expect(text(kept)).toBe('abc')
})

test('of more than there is room for, the end is kept', () => {
  const kept = new KeptOutput(2)
  const all = Buffer.from(Array.from({ length: 5 * BLOCK + 7 }, (_, n) => n % 251))
  for (let at = 0; at < all.length; at += 1000) kept.push(all.subarray(at, at + 1000))
  const end = Buffer.concat(kept.pieces())
  expect(end.length).toBe(BLOCK + 7)
  expect(end.equals(all.subarray(all.length - end.length))).toBe(true)
})

test('a copy stays as it was', () => {
  const kept = new KeptOutput(1)
  kept.push(Buffer.from('before'))
  const [copy] = kept.pieces()
  kept.push(Buffer.alloc(BLOCK, 'x'))
  expect(copy?.toString()).toBe('before')
})
