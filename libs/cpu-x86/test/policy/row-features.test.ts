import { expect, it } from 'vitest'
import { decode, isFault } from '../../src/decode/decoder.ts'
import { rows } from '../../src/insn/table.ts'
import { Iced } from '../decode/iced-text.ts'
import { bytesOfRow } from './row-bytes.ts'

/** Features that iced names and `Row.feature` may name, where the names differ. */
const OUR_NAMES: Readonly<Record<string, string>> = { CMPXCHG16B: 'cx16', LZCNT: 'abm' }
const OURS: ReadonlySet<string> = new Set(rows.flatMap(({ feature = '' }) => feature))

const featureOf = (names: readonly string[]): string | undefined =>
  names.map((name) => OUR_NAMES[name] ?? name.toLowerCase()).find((name) => OURS.has(name))

/** iced does not know that LAHF in 64-bit mode has a bit of its own. */
const known = rows.filter(({ feature }) => feature !== 'lahf_lm')

it('every row names the CPUID feature that iced gives its encoding', () => {
  const wrong = known.flatMap((row) => {
    const bytes = new Uint8Array(16)
    bytes.set(bytesOfRow(row))
    const mode = row.mode ?? 64
    const insn = decode(bytes, 0, bytes.length, mode)
    if (isFault(insn) || insn.row !== row) return []
    const iced = new Iced(bytes, mode)
    const answer = iced.decode(0)
    const wanted = featureOf(answer.features())
    iced.free()
    return wanted === row.feature ? [] : [`${row.name} ${row.operands}: ${row.feature} | iced ${answer.text} ${wanted}`]
  })
  expect(wrong).toEqual([])
})
