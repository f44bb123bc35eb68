import type { Segment } from './decoded.ts'

/** What a byte is in front of an opcode. */
const NOT_A_PREFIX = 0
const OPERAND_SIZE = 1
const ADDRESS_SIZE = 2
const LOCK = 3
const REPEAT = 4
const SEGMENT_WITH_BASE = 5
const SEGMENT_WITHOUT_BASE = 6
const REX = 7

function classify(mode: 32 | 64): Uint8Array {
  const classes = new Uint8Array(256)
  classes[0x66] = OPERAND_SIZE
  classes[0x67] = ADDRESS_SIZE
  classes[0xf0] = LOCK
  classes[0xf2] = REPEAT
  classes[0xf3] = REPEAT
  for (const segment of [0x26, 0x2e, 0x36, 0x3e]) classes[segment] = SEGMENT_WITHOUT_BASE
  for (const segment of [0x64, 0x65]) classes[segment] = SEGMENT_WITH_BASE
  if (mode === 64) classes.fill(REX, 0x40, 0x50)
  return classes
}

const classes64 = classify(64)
const classes32 = classify(32)

/** Legacy prefixes in any order, and REX where it counts: directly before the opcode (SDM vol. 2, 2.1.1 and 2.2.1). */
export class Prefixes {
  operandSize = false
  addressSize = false
  lock = false
  /** The last of F2 and F3, or 0. */
  repeat: 0 | 0xf2 | 0xf3 = 0
  segment: Segment = 'none'
  /** The REX byte, 0 for none. */
  rex = 0

  /** Reads prefixes from `at`; answers where the opcode starts, which is `limit` if the bytes ran out. */
  scan(bytes: Uint8Array, at: number, limit: number, mode: 32 | 64): number {
    const classes = mode === 64 ? classes64 : classes32
    this.operandSize = false
    this.addressSize = false
    this.lock = false
    this.repeat = 0
    this.segment = 'none'
    let rex = 0
    let position = at
    for (; position < limit; position++) {
      const byte = bytes[position]
      const kind = classes[byte]
      if (kind === NOT_A_PREFIX) break
      rex = 0
      if (kind === REX) rex = byte
      else if (kind === OPERAND_SIZE) this.operandSize = true
      else if (kind === ADDRESS_SIZE) this.addressSize = true
      else if (kind === LOCK) this.lock = true
      else if (kind === REPEAT) this.repeat = byte as 0xf2 | 0xf3
      else if (kind === SEGMENT_WITH_BASE) this.segment = byte === 0x64 ? 'fs' : 'gs'
      // In 64-bit mode the others are ignored, also after FS or GS; in 32-bit mode the last one counts.
      else if (mode === 32) this.segment = 'none'
    }
    this.rex = rex
    return position
  }
}
