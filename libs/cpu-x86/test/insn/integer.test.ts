import { describe, expect, test } from 'vitest'
import { makeDecoder } from '../../src/decode/decoder.ts'
import { rows as alu } from '../../src/insn/alu.ts'
import { rows as bcd } from '../../src/insn/bcd.ts'
import { rows as bit } from '../../src/insn/bit.ts'
import { rows as cmpxchg } from '../../src/insn/cmpxchg.ts'
import { rows as muldiv } from '../../src/insn/muldiv.ts'
import { rows as rotate } from '../../src/insn/rotate.ts'
import type { Row } from '../../src/insn/row.ts'
import { rows as shift } from '../../src/insn/shift.ts'
import { OFFERED, decode as policyDecode } from '../../src/state/policy.ts'
import { casesOf, type RowCase } from './cases.ts'
import { coldMachine } from './cold-machine.ts'
import { differences, type Outcome } from './conformance.ts'
import { Interpreter } from './interpreter.ts'
import { GuestFault } from './memory.ts'

const families: Readonly<Record<string, readonly Row[]>> = { alu, shift, rotate, muldiv, bit, cmpxchg, bcd }
const decode = makeDecoder(Object.values(families).flat())
/** More of them for a longer search. */
const CASES_PER_SHAPE = Number(process.env.PARAVANE_CASES ?? 12)

function interpret(constants: boolean, one: RowCase): Outcome {
  const run = new Interpreter(one.insn, one, constants)
  try {
    one.insn.row.def(run)
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault
    const { vector, errorCode, address } = fault
    return { vector, errorCode, address, gpr: one.gpr, rflags: one.rflags!, memory: [] }
  }
  return {
    vector: -1,
    errorCode: 0,
    address: 0n,
    gpr: run.gpr_,
    rflags: run.rflags,
    memory: run.memory.changes(),
  }
}

const offered = Object.values(families)
  .flat()
  .filter(({ feature }) => feature === undefined || OFFERED.has(feature))

describe.each(['loop', 'step'] as const)('the cold tier (%s) does what the processor does', (how) => {
  const machine = coldMachine(how)
  test.each([...Map.groupBy(offered, ({ name }) => name)])('%s', (_name, sameName) => {
    const cases = sameName.flatMap((row) => casesOf(row, policyDecode, CASES_PER_SHAPE))
    expect(differences(cases, machine)).toEqual([])
  })
})

describe.each(Object.entries(families))('%s does what the processor does', (_family, rows) => {
  const byName = Map.groupBy(rows, ({ name }) => name)
  test.each([...byName])('%s', (_name, sameName) => {
    const cases = sameName.flatMap((row) => casesOf(row, decode, CASES_PER_SHAPE))
    expect(differences(cases, (one) => interpret(false, one))).toEqual([])
    expect(differences(cases, (one) => interpret(true, one))).toEqual([])
  })
})
