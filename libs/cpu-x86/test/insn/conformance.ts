/** Compares a machine of ours with the host's CPU, case by case. */
import { ARITHMETIC_FLAGS } from '../../src/builder/flag-bits.ts'
import type { Row } from '../../src/insn/row.ts'
import { isReference } from '../native/judge.ts'
import { GPR_NAMES, type NativeResult, runNative, type Word } from '../native/native.ts'
import { hex, type RowCase } from './cases.ts'

/** What became of a case. A fault leaves the state as it was. */
export interface Outcome {
  /** Exception vector, -1 for none. */
  readonly vector: number
  readonly errorCode: number
  /** Of a page fault, else 0. */
  readonly address: bigint
  readonly gpr: BigUint64Array
  readonly rflags: number
  readonly memory: readonly Word[]
}

export type Machine = (one: RowCase) => Outcome

const FLAG_BITS: Readonly<Record<string, number>> = { c: 1, p: 4, a: 16, z: 64, s: 128, o: 2048 }
const PAGE_FAULT = 14
const RCX = 1

/** What these keep of the flags before would have to be found out at each of them: they leave others in all tiers. */
const LEAVES_OTHERS: ReadonlySet<string> = new Set(['mul', 'imul', 'div', 'idiv'])

function comparedFlags(row: Row): number {
  if (isReference && !LEAVES_OTHERS.has(row.name)) return ARITHMETIC_FLAGS
  return [...(row.undefines ?? '')].reduce((mask, flag) => mask & ~FLAG_BITS[flag], ARITHMETIC_FLAGS)
}

/** Nothing is defined of a result of 16 bits that is shifted by more than that (`MAKERS_OWN.wideShift`). */
function isUndefined({ insn, gpr }: RowCase): boolean {
  if (insn.size !== 2 || !/^sh[lr]d$/.test(insn.row.name)) return false
  const [, , count] = insn.operands
  return ((count.kind === 'imm' ? count.value : gpr[RCX]) & 31n) > 16n
}

/** A case and what the processor made of it. */
export interface Judged {
  readonly one: RowCase
  readonly native: NativeResult
}

export function judge(cases: readonly RowCase[]): Judged[] {
  const results = runNative(cases)
  return cases.map((one, n) => ({ one, native: results[n] }))
}

/** One text per case in which the machine and the processor differ, at most `limit`. */
export function differences(cases: readonly Judged[], machine: Machine, limit: number = 3): string[] {
  const found: string[] = []
  for (const { one, native } of cases) {
    if (!isReference && isUndefined(one)) continue
    const flags = comparedFlags(one.insn.row)
    const expected = describe(fromNative(native), flags)
    const seen = describe(machine(one), flags)
    if (expected.join() === seen.join()) continue
    const only = (mine: string[], other: string[]) => mine.filter((part) => !other.includes(part)).join(' ')
    found.push(`${one.insn.row.name} ${hex(one.code)}${one.mode === 32 ? ' (32-bit)' : ''}
  from     ${registersText(one.gpr).join(' ')} flags=${one.rflags!.toString(16)} ${memoryText(one.memory!).join(' ')}
  silicon  ${only(expected, seen)}
  ours     ${only(seen, expected)}`)
    if (found.length === limit) break
  }
  return found
}

function fromNative(r: NativeResult): Outcome {
  const { gpr, rflags, memory } = r
  if (r.signal === 0) return { vector: -1, errorCode: 0, address: 0n, gpr, rflags, memory }
  return {
    vector: r.vector,
    errorCode: r.error,
    address: r.vector === PAGE_FAULT ? r.address : 0n,
    gpr,
    rflags,
    memory,
  }
}

function describe(o: Outcome, flags: number): string[] {
  const fault =
    o.vector < 0 ? 'no exception' : `exception ${o.vector} error ${o.errorCode} at ${o.address.toString(16)}`
  const memory = o.memory.length === 0 ? ['memory as it was'] : memoryText(o.memory)
  return [fault, ...registersText(o.gpr), `flags=${(o.rflags & flags).toString(16)}`, ...memory]
}

const registersText = (gpr: BigUint64Array): string[] => GPR_NAMES.map((name, n) => `${name}=${gpr[n].toString(16)}`)

const memoryText = (memory: readonly Word[]): string[] =>
  memory.map(({ address, value }) => `[${address.toString(16)}]=${value.toString(16)}`)
