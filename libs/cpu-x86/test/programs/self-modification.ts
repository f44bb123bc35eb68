/**
 * Programs that change themselves: constants of instructions, whole instructions, conditions of jumps, and code that is copied
 * and then run. The processor sees a change at the next execution, without any jump or serialisation (SDM vol. 3, 12.6).
 */

import { RCX, RDI, RSI } from '../../src/insn/register-numbers.ts'
import type { Row } from '../../src/insn/row.ts'
import { absolute, encode, littleEndian, relative } from './encode.ts'
import { type Flow, gap } from './flow.ts'
import { CODE } from './layout.ts'
import { included, rowOf } from './selection.ts'
import { ALL_FLAGS } from './text.ts'
import type { Field } from './writer.ts'

const CHANGES = /^(mov|add|sub|xor|or|and|adc|not|neg|inc|dec|xchg|xadd|cmpxchg|btc|rol|movnti|movd|set.*)$/
/** Rows that write their first operand, of one byte or of the operand size, and may change code. */
const changing = included.filter(
  (row) =>
    CHANGES.test(row.name) &&
    /^(Eb|Ev|My|Ey)/.test(row.operands) &&
    row.mod !== 'reg' &&
    !/(Sw|CL|Py)$/.test(row.operands),
)
const byteRows = changing.filter((row) => row.operands.startsWith('Eb'))
const wordRows = changing.filter(
  (row) => row.operands.startsWith('Ev') && !(row.name === 'btc' && row.operands === 'Ev Gv'),
)
const wideRows = changing.filter((row) => /^.y/.test(row.operands))

const ALU_LONG = ['add', 'sub', 'xor', 'adc', 'cmp', 'imul', 'and'].map((name) =>
  name === 'imul' ? rowOf('imul', 'Gv Ev Iz') : rowOf(name, 'Ev Iz'),
)
const MOV_CONSTANT = rowOf('mov', 'Zv Iv')
const MOV_LONG = rowOf('mov', 'Ev Iz')
const STORE = rowOf('mov', 'Ev Gv')
const XOR = rowOf('xor', 'Ev Gv')
const XOR_BYTE = rowOf('xor', 'Eb Ib')
const ADD_BYTE = rowOf('add', 'Eb Ib')
const CLD = rowOf('cld', '')
const REP_MOVS = rowOf('movs', 'Yb Xb', 'f3')
const CALL = rowOf('call', 'Jz')
const RET = rowOf('ret', '')
const JMP = rowOf('jmp', 'Jz')

export function selfModification(flow: Flow): void {
  const { random, fields } = flow.writer
  switch (random.below(8)) {
    case 0:
    case 1:
      if (fields.length > 0) change(flow, random.pick(fields))
      else ahead(flow)
      break
    case 2:
      ahead(flow)
      break
    case 3:
      itself(flow)
      break
    case 4:
      turn(flow)
      break
    case 5:
      slot(flow)
      break
    case 6:
      copy(flow)
      break
    default:
      gap(flow)
  }
}

/** A store of any width to a constant that was written before: it matters the next time round. */
function change({ writer }: Flow, { at, bytes }: Field): void {
  const { random } = writer
  const size = random.pick(([1, 2, 4, 8] as const).filter((one) => one <= bytes))
  const address = CODE + at + random.below(bytes - size + 1)
  const rows = size === 1 ? byteRows : size >= 4 && random.chance(20) ? wideRows : wordRows
  writer.change(random.pick(rows), size, address)
}

/** A store to a constant that is about to be executed, perhaps the very next instruction. */
function ahead(flow: Flow): void {
  const { writer, straight } = flow
  const { text, random } = writer
  const isRelative = random.chance(50)
  const reg = writer.register()
  const form = isRelative ? relative(CODE) : absolute(0)
  const size = random.pick<2 | 4>([2, 4])
  const isConstant = random.chance(30)
  const store = text.emit(isConstant ? MOV_LONG : STORE, {
    size,
    reg,
    memory: form,
    immediate: isConstant ? random.bytes(size) : [],
  })
  straight(random.below(3))
  const row = random.pick(ALU_LONG)
  const target = text.emit(row, {
    size: random.pick([4, 8]),
    reg: writer.register(),
    rm: writer.register(),
    immediate: random.bytes(4),
  })
  const place = target.at + target.immediateAt + random.below(5 - size)
  writer.fields.push({ at: target.at + target.immediateAt, bytes: 4 })
  const end = store.at + store.bytes.length
  text.setImmediate(store.at + store.immediateAt - 4, isRelative ? place - end : CODE + place, 4)
}

/** A store to its own constant: this time the old one counts. */
function itself({ writer }: Flow): void {
  const { text, random } = writer
  const step = [random.between(1, 255)]
  const probe = encode(ADD_BYTE, { size: 1, memory: relative(0), immediate: step }, 0)
  const memory = relative(text.address + probe.immediateAt)
  text.emit(random.chance(50) ? ADD_BYTE : XOR_BYTE, { size: 1, memory, immediate: step })
}

/** A conditional jump gets the opposite condition. */
function turn(flow: Flow): void {
  const { writer, turnable } = flow
  if (turnable.length === 0) return
  const { text, random } = writer
  text.emit(XOR_BYTE, {
    size: 1,
    memory: writer.reach(CODE + random.pick(turnable)),
    immediate: [1],
    lock: random.chance(20),
  })
}

const SLOT_BYTES = 8
const NOP = 0x90
const slotRows = included.filter(
  (row) =>
    /^(add|or|and|sub|xor|cmp|test|mov|movzx|movsx|inc|dec|not|neg|bswap|cbw|cwd|cmc|clc|stc|xadd|rol)$/.test(
      row.name,
    ) &&
    /^((Eb|Ev|Gb|Gv) (Gb|Gv|Eb|Ev|Ib)|Zv|Ev|Eb|Zv Iv|)$/.test(row.operands) &&
    row.map < 2 &&
    !/imul/.test(row.name),
)

/** Eight bytes that are one instruction or another, with stores that make the one of the other. */
function slot(flow: Flow): void {
  const { writer } = flow
  const { text, random } = writer
  const scratch = writer.register()
  if (!writer.isFree(0, 2)) {
    ahead(flow)
    return
  }
  const old = slotInstruction(flow)
  const fresh = slotInstruction(flow)
  const toggles = random.chance(60)
  const value = old.map((byte, n) => (toggles ? byte ^ fresh[n] : byte))
  text.emit(MOV_CONSTANT, { size: 8, rm: scratch, immediate: toggles ? value : fresh })
  const isRelative = random.chance(50)
  const store = text.emit(toggles ? XOR : STORE, {
    size: 8,
    reg: scratch,
    memory: isRelative ? relative(CODE) : absolute(0),
    lock: toggles && random.chance(30),
  })
  flow.straight(random.below(2))
  writer.defineFlags()
  const at = text.position
  text.setImmediate(store.at + store.immediateAt - 4, isRelative ? at - (store.at + store.bytes.length) : CODE + at, 4)
  text.raw(old)
  // Which flags the instruction leaves undefined depends on which of the two it is.
  text.undefinedFlags = ALL_FLAGS
  text.undefinedAt.fill(ALL_FLAGS, at + 1, at + SLOT_BYTES)
}

/** An instruction without memory, filled up with NOPs. */
function slotInstruction({ writer }: Flow): number[] {
  const { random } = writer
  for (;;) {
    const row: Row = random.pick(slotRows)
    const size = random.pick<4 | 8>([4, 8])
    const wanted = /Iv$/.test(row.operands) ? size : /I/.test(row.operands) ? 1 : 0
    const low = () => random.pick(writer.free.filter((register) => register < 4 || register >= 8))
    const { bytes } = encode(row, { size, reg: low(), rm: low(), immediate: random.bytes(wanted) }, 0)
    if (bytes.length <= SLOT_BYTES) return [...bytes, ...new Array<number>(SLOT_BYTES - bytes.length).fill(NOP)]
  }
}

/** A procedure is copied to another place and called there. */
function copy(flow: Flow): void {
  const { writer } = flow
  const { text, random } = writer
  if (!writer.isFree(RSI, RDI, RCX) || flow.framed || text.room < 600) {
    ahead(flow)
    return
  }
  const over = text.label()
  text.emit(JMP, { size: 8, immediate: [0, 0, 0, 0] })
  text.refer(over, 4)
  const from = text.position
  text.undefinedFlags = ALL_FLAGS
  writer.movable = true
  flow.straight(random.between(1, 5))
  writer.movable = false
  writer.defineFlags()
  text.emit(RET, { size: 8 })
  const bytes = text.position - from
  text.data(new Array<number>(random.below(30)).fill(0xcc))
  const to = text.data(new Array<number>(bytes).fill(0xcc))
  text.undefinedAt.copyWithin(to, from, from + bytes)
  text.bind(over, false)
  text.emit(CLD, { size: 4 })
  writer.constant(RSI, CODE + from)
  writer.constant(RDI, CODE + to)
  writer.constant(RCX, bytes)
  text.emit(REP_MOVS, { size: 1 })
  text.emit(CALL, { size: 8, immediate: littleEndian(to - (text.position + 5), 4) })
  text.undefinedFlags = 0
}
