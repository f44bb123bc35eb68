import { describe, expect, test } from 'vitest'
import { makeDecoder } from '../../src/decode/decoder.ts'
import { rows as alu } from '../../src/insn/alu.ts'
import { rows as bcd } from '../../src/insn/bcd.ts'
import { rows as bit } from '../../src/insn/bit.ts'
import { rows as bmi } from '../../src/insn/bmi.ts'
import { rows as cmpxchg } from '../../src/insn/cmpxchg.ts'
import { rows as muldiv } from '../../src/insn/muldiv.ts'
import { rows as rotate } from '../../src/insn/rotate.ts'
import type { Row } from '../../src/insn/row.ts'
import { rows as shift } from '../../src/insn/shift.ts'
import { DEFAULT_POLICY } from '../../src/state/policy.ts'
import { casesOf, type RowCase } from './cases.ts'
import { coldMachine } from './cold-machine.ts'
import { differences, type Judged, judge, type Machine, type Outcome } from './conformance.ts'
import { Interpreter } from './interpreter.ts'
import { GuestFault } from './memory.ts'

const families: Readonly<Record<string, readonly Row[]>> = { alu, shift, rotate, muldiv, bit, bmi, cmpxchg, bcd }
const decode = makeDecoder(Object.values(families).flat())
/** More of them for a longer search. */
const CASES_PER_SHAPE = Number(process.env.PARAVANE_CASES ?? 20)

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
    gpr: run.registers,
    rflags: run.rflags,
    memory: run.memory.changes(),
  }
}

const machines: Readonly<Record<string, Machine>> = {
  interpreted: (one) => interpret(false, one),
  'interpreted with known constants': (one) => interpret(true, one),
  'in the cold tier': coldMachine('loop'),
  'in the slow step': coldMachine('step'),
  'in a region': coldMachine('region'),
}
const isOffered = ({ one }: Judged) => one.insn.row.feature === undefined || DEFAULT_POLICY.offers(one.insn.row.feature)

describe.each(Object.entries(families))('%s: what the processor does', (_family, rows) => {
  const judged = judge(rows.flatMap((row) => casesOf(row, decode, CASES_PER_SHAPE)))
  const byName = Map.groupBy(judged, ({ one }) => one.insn.row.name)
  test.each([...byName])('%s', (_name, cases) => {
    for (const [how, machine] of Object.entries(machines)) {
      const some = how === 'in a region' ? cases.filter((_, n) => n % 4 === 0) : cases
      const reachable = how.startsWith('interpreted') ? cases : some.filter(isOffered)
      expect(differences(reachable, machine), how).toEqual([])
    }
  })
})
