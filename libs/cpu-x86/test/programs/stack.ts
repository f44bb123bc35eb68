/** The parts of a program that use the stack: it is afterwards where it was. */
import { RBP, RSP } from '../../src/insn/register-numbers.ts'
import { based, littleEndian } from './encode.ts'
import type { Flow } from './flow.ts'
import { rowOf } from './selection.ts'

const PUSH_RM = rowOf('push', 'Ev')
const PUSH_BYTE = rowOf('push', 'Ib')
const PUSH_LONG = rowOf('push', 'Iz')
const POP_RM = rowOf('pop', 'Ev')
const PUSHF = rowOf('pushf', '')
const POPF = rowOf('popf', '')
const ENTER = rowOf('enter', 'Iuw Iub')
const LEAVE = rowOf('leave', '')
const MOV = rowOf('mov', 'Gv Ev')
const XOR_LONG = rowOf('xor', 'Ev Iz')
const PUSH = rowOf('push', 'Zv')
const POP = rowOf('pop', 'Zv')
const LEA = rowOf('lea', 'Gv Mn')

/** Pushes, runs a few statements, pops. */
export function stack(flow: Flow): void {
  const { writer } = flow
  const { text, random } = writer
  if (random.chance(20)) {
    flags(flow)
    return
  }
  if (random.chance(15)) {
    frame(flow)
    return
  }
  const size = random.chance(80) ? 8 : 2
  switch (random.below(5)) {
    case 0:
      text.emit(PUSH_BYTE, { size, immediate: random.bytes(1) })
      break
    case 1:
      text.emit(PUSH_LONG, { size, immediate: random.bytes(size === 8 ? 4 : 2) })
      break
    case 2:
      text.emit(PUSH_RM, { size, memory: writer.memory(size, false, true) })
      break
    default:
      text.emit(random.chance(80) ? PUSH : PUSH_RM, { size, rm: random.chance(10) ? RSP : writer.register() })
  }
  flow.straight(random.below(3))
  if (random.chance(20)) text.emit(POP_RM, { size, memory: writer.memory(size, false, false) })
  else text.emit(random.chance(80) ? POP : POP_RM, { size, rm: writer.register() })
}

function flags({ writer }: Flow): void {
  const { text, random } = writer
  text.emit(PUSHF, { size: 8 })
  const bits = random.bits() & 0xcd5
  text.emit(XOR_LONG, { size: 8, memory: based(RSP, 0), immediate: littleEndian(bits, 4) })
  text.emit(POPF, { size: 8 })
}

function frame(flow: Flow): void {
  const { writer } = flow
  const { text, random, free } = writer
  if (!writer.isFree(RBP) || flow.framed) {
    flow.straight(2)
    return
  }
  if (random.chance(60)) {
    const nesting = random.below(4)
    // Old frame pointers right above the new ones only where no slot crosses a page (AVOIDED).
    if (nesting > 1)
      text.emit(LEA, { size: 8, reg: RBP, memory: based(RSP, writer.stackIsAligned ? 8 * random.below(6) : 64) })
    text.emit(ENTER, { size: 8, immediate: [...littleEndian(8 * random.below(8), 2), nesting] })
  } else {
    text.emit(PUSH, { size: 8, rm: RBP })
    text.emit(MOV, { size: 8, reg: RBP, rm: RSP })
  }
  writer.free = free.filter((register) => register !== RBP)
  flow.framed = true
  flow.straight(random.between(1, 4))
  flow.framed = false
  writer.free = free
  text.emit(LEAVE, { size: 8 })
}
