/** String instructions on what lies in DATA, in both directions, with and without repetition. */

import { RAX, RCX, RDI, RSI } from '../../src/insn/register-numbers.ts'
import { DATA, DATA_BYTES, READ_ONLY_BYTES } from './layout.ts'
import { included, rowOf } from './selection.ts'
import type { Writer } from './writer.ts'

const rows = included.filter((row) => /^(movs|cmps|stos|lods|scas)$/.test(row.name))
const DIRECTION = [rowOf('cld', ''), rowOf('std', '')]

/** Answers whether the registers were to be had. */
export function stringInstruction(writer: Writer): boolean {
  const { random, text } = writer
  const row = random.pick(rows)
  if (!writer.isFree(RSI, RDI, RCX, RAX)) return false
  const size = /b/.test(row.operands) ? 1 : random.pick<2 | 4 | 8>([2, 4, 8])
  const repeats = row.prefix !== undefined
  const count = !repeats ? 1 : random.chance(15) ? random.between(100, 700) : random.below(24)
  const backward = random.below(2)
  const place = (reads: boolean): number => {
    const length = Math.max(1, count) * size
    const end = reads ? DATA_BYTES + READ_ONLY_BYTES : DATA_BYTES
    const nearBoundary = 0x1000 * random.between(1, 3) - random.below(length + 1)
    const first = Math.max(0, Math.min(random.chance(40) ? nearBoundary : random.below(end), end - length))
    return DATA + first + (backward ? length - size : 0)
  }
  const source = place(true)
  // Overlapping and equal places often.
  const near = Math.min(
    Math.max(source + random.between(-24, 24), DATA + count * size),
    DATA + DATA_BYTES - (count + 1) * size,
  )
  writer.constant(RSI, source)
  writer.constant(RDI, random.chance(40) ? near : place(row.name === 'cmps' || row.name === 'scas'))
  if (repeats) writer.constant(RCX, count)
  text.emit(DIRECTION[backward], { size: 4 })
  text.emit(row, { size, idlePrefix: repeats && random.chance(5) ? 0x67 : 0 })
  return true
}
