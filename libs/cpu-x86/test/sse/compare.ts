/** Compares what the definitions do with what the processor does, and says where they differ. */

import { isReference } from '../native/judge.ts'
import { initialFx, type NativeCase, type NativeResult, runNative } from '../native/native.ts'
import type { Outcome } from './bodies.ts'

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
/** Least significant byte last, as numbers are read. */
const number = (bytes: Uint8Array): string => hex(bytes.slice().reverse())

const ARITHMETIC = 0x8d5
/** FOP, FIP and FDP are not kept; MXCSR_MASK is the processor's. */
const IGNORED: readonly (readonly [number, number])[] = [
  [5, 24],
  [28, 32],
  [416, 512],
]

/** A state as text, a line for each part: differences then show what and where. */
function lines(outcome: Outcome): readonly string[] {
  const fx = outcome.fx.slice()
  for (const [from, to] of IGNORED) fx.fill(0, from, to)
  return [
    `vector ${outcome.vector}`,
    ...Array.from(outcome.gpr, (value, n) => `r${n} ${value.toString(16)}`),
    `flags ${(outcome.rflags & ARITHMETIC).toString(16)}`,
    `fcw ${number(fx.subarray(0, 2))}`,
    `fsw ${number(fx.subarray(2, 4))}`,
    `ftw ${number(fx.subarray(4, 5))}`,
    `mxcsr ${number(fx.subarray(24, 28))}`,
    ...Array.from({ length: 8 }, (_, n) => `st${n} ${number(fx.subarray(32 + 16 * n, 42 + 16 * n))}`),
    ...Array.from({ length: 16 }, (_, n) => `xmm${n} ${number(fx.subarray(160 + 16 * n, 176 + 16 * n))}`),
    ...outcome.memory.map(({ address, value }) => `[${address.toString(16)}] ${value.toString(16)}`),
  ]
}

const outcomeOf = (result: NativeResult): Outcome => ({ ...result, vector: result.signal === 0 ? -1 : result.vector })

const GENERAL_PROTECTION = 13
const SHA = /0f(38c[89a-d]|3acc)/

/** `MAKERS_OWN.alignment`. */
const isMisaligned = ({ code }: NativeCase, { signal, vector }: NativeResult): boolean =>
  signal !== 0 && vector === GENERAL_PROTECTION && SHA.test(hex(code))

export interface Difference {
  /** Number of the case. */
  readonly n: number
  readonly insn: string
  readonly mxcsr: string
  /** `ours | silicon theirs`, by part of the state. */
  readonly parts: readonly string[]
}

/** @param exempt lines of the text that may differ */
export function differences(
  run: (test: NativeCase) => Outcome,
  cases: readonly NativeCase[],
  exempt?: RegExp,
): readonly Difference[] {
  const native = runNative(cases)
  return cases.flatMap((test, n): readonly Difference[] => {
    if (!isReference && isMisaligned(test, native[n] as NativeResult)) return []
    const ours = lines(run(test))
    const theirs = lines(outcomeOf(native[n] as NativeResult))
    const parts: string[] = []
    for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
      if (ours[i] !== theirs[i] && !exempt?.test(ours[i] ?? ''))
        parts.push(`${ours[i] ?? 'nothing'} | silicon ${theirs[i] ?? 'nothing'}`)
    }
    if (parts.length === 0) return []
    const mxcsr = number((test.fx ?? initialFx()).subarray(24, 28))
    return [{ n, insn: hex(test.code), mxcsr, parts }]
  })
}
