import { expect, it } from 'vitest'
import { isFault } from '../../src/decode/decoder.ts'
import { rows } from '../../src/insn/table.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { registers, runNative, SIGILL } from '../native/native.ts'
import { bytesOfRow } from '../policy/row-bytes.ts'

const PREFIXES: readonly (readonly number[])[] = [
  [],
  [0x66],
  [0xf2],
  [0xf3],
  [0xf0],
  [0x67],
  [0x2e],
  [0x64],
  [0x48],
  [0x41],
]
const REX = 0x40

interface Encoding {
  readonly code: Uint8Array
  readonly mode: 32 | 64
}

/** Every VEX row with each prefix before it, and with each value of W, vvvv and L. */
function encodings(): Encoding[] {
  return ([64, 32] as const).flatMap((mode) =>
    rows
      .filter((row) => row.vex)
      .flatMap((row) => {
        const plain = bytesOfRow(row).subarray(0, row.operands.includes('I') ? 6 : 5)
        const prefixes = PREFIXES.filter(([first]) => mode === 64 || first === undefined || first < REX || first > 0x4f)
        const prefixed = prefixes.map((prefix) => ({ mode, code: Uint8Array.of(...prefix, ...plain) }))
        const tails = Array.from({ length: 64 }, (_, n) => {
          const code = plain.slice()
          code[2] = (plain[2] & 3) | (n << 2)
          return { mode, code }
        })
        return [...prefixed, ...tails]
      }),
  )
}

it('refuses the VEX encodings that the processor refuses, and no other', () => {
  const all = encodings()
  const results = runNative(all.map((one) => ({ ...one, gpr: registers({}) })))
  const wrong = all.filter(({ code, mode }, n) => {
    const insn = DEFAULT_POLICY.decode(code, 0, code.length, mode)
    return (isFault(insn) || insn.length !== code.length) !== (results[n].signal === SIGILL)
  })
  expect(all.length).toBeGreaterThan(1500)
  expect(wrong.map(({ code, mode }) => `${Buffer.from(code).toString('hex')} (${mode})`)).toEqual([])
})
