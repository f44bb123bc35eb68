/** Programs of 20 to 200 instructions from a seed. They end: loops count, other jumps go forward, procedures call later ones. */

import { RSP } from '../../src/insn/register-numbers.ts'
import type { Row } from '../../src/insn/row.ts'
import { fault } from './faults.ts'
import { branch, call, type Flow, indirect, loop, type Part, type Procedure, procedure } from './flow.ts'
import { AREAS, CODE, CODE_BYTES, DATA_BYTES, FX_BYTES, IMAGE_BYTES, type Program, STACK } from './layout.ts'
import { Random } from './random.ts'
import { type Kind, rowOf, STATEMENTS } from './selection.ts'
import { selfModification } from './self-modification.ts'
import { stack } from './stack.ts'
import { stringInstruction } from './strings.ts'
import { Writer } from './writer.ts'

const UD2 = rowOf('ud2', '')
const LEAST = 20
const MOST = 200
/** Left for what parts may write beyond their share. */
const MARGIN = 24

export interface Generated extends Program {
  readonly rows: ReadonlySet<Row>
}

export function generate(seed: number): Generated {
  const random = new Random(seed)
  const writer = new Writer(random)
  const { text } = writer
  const wanted = random.between(LEAST, MOST - MARGIN)
  const kinds = kindsOf(random)
  const selfModifying = random.chance(50)
  let faultAt = random.chance(40) ? random.below(wanted) : MOST

  const statement = () => writer.instruction(random.pick(STATEMENTS[random.pick(kinds)]))
  const straight: Part = (instructions) => {
    for (let n = 0; n < instructions; n++) statement()
  }
  const hasRoom = () => text.count < MOST - MARGIN && text.room > 700
  const part: Part = (instructions) => {
    const end = text.count + instructions
    while (text.count < end && hasRoom()) {
      if (text.count >= faultAt) {
        faultAt = MOST
        fault(flow)
      } else construct(end - text.count)
    }
  }
  const construct = (left: number) => {
    const share = Math.min(left, random.between(1, 3) * random.between(1, 12))
    const kind = random.below(100)
    if (kind < 62 || left < 4) statement()
    else if (kind < 72) branch(flow, share)
    else if (kind < 79) loop(flow, share)
    else if (kind < 83) call(flow)
    else if (kind < 87) stack(flow)
    else if (kind < 89) indirect(flow, Math.min(share, 12))
    else if (kind < 92) stringInstruction(writer)
    else if (selfModifying) selfModification(flow)
    else statement()
  }
  const procedures = Array.from(
    { length: wanted < 40 ? random.below(2) : random.below(4) },
    (_, number): Procedure => ({
      number,
      label: text.label(),
      argumentBytes: random.chance(25) ? 8 * random.below(3) : 0,
    }),
  )
  const flow: Flow = { writer, part, straight, procedures, turnable: [], weight: 1, current: -1, framed: false }

  part(procedures.length > 0 ? Math.ceil(wanted * 0.6) : wanted)
  text.emit(UD2, { size: 4 })
  for (const one of procedures)
    procedure(flow, one, Math.max(1, Math.floor((wanted - text.count) / (procedures.length - one.number))))
  // Short programs are filled up by what is never reached.
  while (text.count < LEAST) text.emit(UD2, { size: 4 })
  return {
    seed,
    ...stateOf(random, writer),
    instructions: text.count,
    undefinedFlags: text.undefinedAt,
    rows: text.rows,
  }
}

function kindsOf(random: Random): readonly Kind[] {
  const usual: Kind[] = ['integer', 'integer', 'integer', 'integer']
  switch (random.below(6)) {
    case 0:
      return [...usual, 'sse', 'sse', 'sse']
    case 1:
      return [...usual, 'sse', 'x87', 'x87', 'x87']
    case 2:
      return [...usual, 'sse', 'mmx', 'mmx']
    case 3:
      return [...usual, ...usual, 'sse', 'x87', 'mmx']
    default:
      return usual
  }
}

function stateOf(random: Random, writer: Writer): Pick<Program, 'entry' | 'gpr' | 'rflags' | 'fx' | 'image'> {
  const gpr = new BigUint64Array(16)
  const words = new Uint32Array(gpr.buffer)
  for (let n = 0; n < 16; n++) {
    words[2 * n] = random.word()
    if (random.chance(60)) words[2 * n + 1] = random.word()
  }
  gpr[RSP] = BigInt(STACK + 0x1000 + 8 * random.below(24) + (writer.stackIsAligned ? 0 : random.between(1, 7)))
  for (const [register, address] of writer.pointers) gpr[register] = BigInt(address)
  return {
    entry: CODE + writer.start,
    gpr,
    rflags: random.bits() & 0xcd5,
    fx: fxOf(random),
    image: imageOf(random, writer),
  }
}

function fxOf(random: Random): Uint8Array {
  const fx = new Uint8Array(FX_BYTES)
  const view = new DataView(fx.buffer)
  view.setUint16(0, 0x37f, true)
  const rounding = random.chance(20) ? (random.below(4) << 13) | (random.below(2) << 15) | (random.below(2) << 6) : 0
  view.setUint32(24, 0x1f80 | rounding | (random.chance(50) ? 0x20 : 0), true)
  for (let n = 0; n < 16; n++) fill(random, view, 160 + 16 * n, 2)
  return fx
}

/** Quadwords: doubles and singles of middling size, integers, anything. */
function fill(random: Random, view: DataView, from: number, count: number): void {
  for (let at = from; at < from + 8 * count; at += 8) {
    switch (random.below(4)) {
      case 0:
        view.setFloat64(at, (random.bits() - 0x80000000) / (1 << random.below(31)), true)
        break
      case 1:
        for (const half of [0, 4])
          view.setFloat32(at + half, (random.below(1 << 20) - (1 << 19)) / (1 << random.below(20)), true)
        break
      default:
        view.setUint32(at, random.word(), true)
        view.setUint32(at + 4, random.word(), true)
    }
  }
}

const POOL_BYTES = 0x400

/** Data repeats some quadwords. */
function imageOf(random: Random, writer: Writer): Uint8Array {
  const image = new Uint8Array(IMAGE_BYTES)
  image.set(writer.text.bytes)
  const data = new DataView(image.buffer, CODE_BYTES)
  fill(random, data, 0, POOL_BYTES / 8)
  for (let at = POOL_BYTES; at < DATA_BYTES; at += POOL_BYTES)
    image.copyWithin(CODE_BYTES + at, CODE_BYTES, CODE_BYTES + POOL_BYTES)
  image.fill(0xa5, AREAS[2].offset)
  return image
}

/** What lies at READ_ONLY in every program. */
export function readOnlyPage(): Uint8Array {
  const page = new Uint8Array(0x1000)
  fill(new Random(1), new DataView(page.buffer), 0, page.length / 8)
  return page
}
