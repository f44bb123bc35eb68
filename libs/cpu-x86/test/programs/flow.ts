/** The parts of a program that change its flow: branches, loops, calls. All of them end. */

import { RCX } from '../../src/insn/register-numbers.ts'
import type { Row } from '../../src/insn/row.ts'
import { based, littleEndian } from './encode.ts'
import { included, rowOf } from './selection.ts'
import { ALL_FLAGS, type Label } from './text.ts'
import type { Writer } from './writer.ts'

const CONDITIONS = Array.from({ length: 16 }, (_, n) => ({
  short: included.find((row) => row.map === 0 && row.code === 0x70 + n) as Row,
  near: included.find((row) => row.map === 1 && row.code === 0x80 + n) as Row,
}))
const JRCXZ = rowOf('jrcxz', 'Jb')
/** loope and loopne may end a loop before its count. */
const LOOPS = ['loop', 'loop', 'loope', 'loopne'].map((name) => rowOf(name, 'Jb'))
const JMP_SHORT = rowOf('jmp', 'Jb')
const JMP_NEAR = rowOf('jmp', 'Jz')
const JMP_INDIRECT = rowOf('jmp', 'Ev')
const CALL = rowOf('call', 'Jz')
const CALL_INDIRECT = rowOf('call', 'Ev')
const RET = rowOf('ret', '')
const RET_POPPING = rowOf('ret', 'Iuw')
const PUSH = rowOf('push', 'Zv')
const POP = rowOf('pop', 'Zv')
const STORE = rowOf('mov', 'Ev Gv')
const LEA = rowOf('lea', 'Gv Mn')
const AND_BYTE = rowOf('and', 'Ev Ib')
const DEC = rowOf('dec', 'Ev')
const SUB_BYTE = rowOf('sub', 'Ev Ib')
const ADD_BYTE = rowOf('add', 'Ev Ib')

const NOT_EQUAL = 5
const PLACE = [0, 0, 0, 0]

/** Runs a part of the program of about so many instructions. */
export type Part = (instructions: number) => void

/** A procedure to be written after the main part. */
export interface Procedure {
  readonly label: Label
  /** Bytes of arguments that it takes off the stack. */
  readonly argumentBytes: number
  /** It may call procedures above this number. */
  readonly number: number
}

export interface Flow {
  readonly writer: Writer
  readonly part: Part
  /** Straight statements only: short ones, no memory on the stack. */
  readonly straight: Part
  readonly procedures: readonly Procedure[]
  /** Opcode bytes of conditional jumps, whose lowest bit may be turned. */
  readonly turnable: number[]
  /** How often what is written now runs, roughly. */
  weight: number
  /** Number of the procedure being written, -1 in the main part. */
  current: number
  /** rsp must stay, and the registers that hold the frame. */
  framed: boolean
}

function jump(flow: Flow, label: Label, near: boolean): void {
  const { text } = flow.writer
  text.emit(near ? JMP_NEAR : JMP_SHORT, { size: 4, immediate: near ? PLACE : [0] })
  text.refer(label, near ? 4 : 1)
}

export function branch(flow: Flow, instructions: number): void {
  const { text, random } = flow.writer
  const isShort = instructions <= 3
  const code = random.below(16)
  const over = text.label()
  if (isShort && random.chance(6)) {
    text.emit(JRCXZ, { size: 8, immediate: [0] })
    text.refer(over, 1)
  } else {
    const { short, near } = CONDITIONS[code]
    const { at, immediateAt } = text.emit(isShort ? short : near, { size: 8, immediate: isShort ? [0] : PLACE })
    flow.turnable.push(at + immediateAt - 1)
    text.refer(over, isShort ? 1 : 4)
  }
  const part = isShort ? flow.straight : flow.part
  if (random.chance(60)) {
    part(instructions)
    text.bind(over)
    return
  }
  const end = text.label()
  part(instructions >> 1)
  jump(flow, end, !isShort)
  text.bind(over, false)
  part(instructions >> 1)
  text.bind(end)
}

export function loop(flow: Flow, instructions: number): void {
  const { writer } = flow
  const { text, random, counter } = writer
  const most = Math.min(flow.current >= 0 ? 4 : 8, Math.floor(200 / flow.weight))
  if (most < 2) {
    flow.straight(instructions)
    return
  }
  const times =
    flow.weight === 1 && instructions < 12 && random.chance(15) ? random.between(10, 150) : random.between(2, most)
  const keeps = flow.weight > 1 || flow.current >= 0
  if (keeps) text.emit(PUSH, { size: 8, rm: counter })
  writer.constant(counter, times)
  const top = text.label()
  text.bind(top)
  text.undefinedFlags = ALL_FLAGS
  flow.weight *= times
  ;(instructions < 6 ? flow.straight : flow.part)(instructions)
  flow.weight /= times
  countDown(flow, top)
  if (keeps) text.emit(POP, { size: 8, rm: counter })
}

function countDown({ writer }: Flow, top: Label): void {
  const { text, random, counter: rm } = writer
  const distance = text.position - top.position
  if (rm === RCX && distance < 110 && random.chance(60)) {
    text.emit(random.pick(LOOPS), { size: 8, immediate: [0] })
    text.refer(top, 1)
    return
  }
  const size = random.pick<4 | 8>([4, 8])
  switch (random.below(3)) {
    case 0:
      text.emit(SUB_BYTE, { size, rm, immediate: [1] })
      break
    case 1:
      text.emit(ADD_BYTE, { size, rm, immediate: [0xff] })
      break
    default:
      text.emit(DEC, { size, rm })
  }
  const isShort = distance < 110 && random.chance(90)
  text.emit(isShort ? CONDITIONS[NOT_EQUAL].short : CONDITIONS[NOT_EQUAL].near, {
    size: 8,
    immediate: isShort ? [0] : PLACE,
  })
  text.refer(top, isShort ? 1 : 4)
}

/** The address of a label in a register. */
function loadAddress(flow: Flow, register: number, label: Label): void {
  const { text } = flow.writer
  text.emit(LEA, { size: 8, reg: register, memory: { ...based(-1, 0), ripRelative: true } })
  text.refer(label, 4)
}

export function call(flow: Flow): void {
  const { writer, procedures } = flow
  const { text, random } = writer
  const callable = procedures.filter(({ number }) => number > flow.current)
  if (callable.length === 0 || flow.framed || (flow.current >= 0 && flow.weight > 1)) {
    flow.straight(3)
    return
  }
  const { label, argumentBytes } = random.pick(callable)
  for (let n = 0; n < argumentBytes; n += 8) text.emit(PUSH, { size: 8, rm: writer.register() })
  // What comes after the call may run next: the return address is not a label.
  if (random.chance(70)) {
    text.emit(CALL, { size: 8, immediate: PLACE })
    text.refer(label, 4)
  } else {
    const register = writer.register()
    loadAddress(flow, register, label)
    if (random.chance(50)) text.emit(CALL_INDIRECT, { size: 8, rm: register })
    else {
      const memory = writer.reach(writer.target(8, false, false))
      text.emit(STORE, { size: 8, reg: register, memory })
      text.emit(CALL_INDIRECT, { size: 8, memory })
    }
  }
  text.undefinedFlags = 0
}

export function procedure(flow: Flow, { label, argumentBytes, number }: Procedure, instructions: number): void {
  const { writer } = flow
  const { text } = writer
  flow.current = number
  text.bind(label, false)
  text.undefinedFlags = ALL_FLAGS
  flow.part(instructions)
  writer.defineFlags()
  if (argumentBytes > 0) text.emit(RET_POPPING, { size: 8, immediate: littleEndian(argumentBytes, 2) })
  else text.emit(RET, { size: 8 })
}

/** A jump by address: through a register, the stack, or a table of two to four places. */
export function indirect(flow: Flow, instructions: number): void {
  const { writer } = flow
  const { text, random } = writer
  const end = text.label()
  const register = writer.register()
  if (random.chance(50)) {
    loadAddress(flow, register, end)
    if (random.chance(30)) {
      text.emit(PUSH, { size: 8, rm: register })
      text.emit(RET, { size: 8 })
    } else text.emit(JMP_INDIRECT, { size: 8, rm: register })
    end.undefinedFlags |= text.undefinedFlags
    data(flow, random.below(24))
    text.bind(end, false)
    return
  }
  const count = random.pick([2, 4])
  const other = random.pick(writer.free.filter((one) => one !== register))
  const table = text.label()
  const cases = Array.from({ length: count }, () => text.label())
  text.emit(AND_BYTE, { size: 4, rm: register, immediate: [count - 1] })
  loadAddress(flow, other, table)
  text.emit(JMP_INDIRECT, { size: 8, memory: { ...based(other, 0), index: register, scale: 3 } })
  const undefinedFlags = text.undefinedFlags
  table.position = text.position
  text.bind(table, false)
  for (const one of cases) {
    text.data(new Array<number>(8).fill(0))
    text.refer(one, 8)
    one.undefinedFlags |= undefinedFlags
  }
  for (const one of cases) {
    text.bind(one, false)
    flow.straight(Math.max(1, instructions >> 2))
    if (one !== cases.at(-1)) jump(flow, end, true)
  }
  text.bind(end)
}

/** Bytes of data between instructions, which stores may change. */
export function data(flow: Flow, bytes: number): void {
  const { text, random } = flow.writer
  const at = text.data(Array.from({ length: bytes }, () => random.below(256)))
  if (bytes > 0) flow.writer.gaps.push({ at, bytes })
}

export function gap(flow: Flow): void {
  const { text, random } = flow.writer
  const over = text.label()
  jump(flow, over, false)
  data(flow, random.between(1, 100))
  text.bind(over, false)
}
