import { type Decode, makeDecoder } from '../decode/decoder.ts'
import { rows } from '../insn/table.ts'

/**
 * Features of the instruction table that the CPU offers its guests (docs/architecture.md, "Which CPU the guest sees"). A row whose feature is not here does not
 * exist: F3 0F BC is bsf, not tzcnt.
 */
export const OFFERED: ReadonlySet<string> = new Set(['cx16', 'popcnt', 'movbe'])

/** The decoder of this CPU. */
export const decode: Decode = makeDecoder(rows, (feature) => OFFERED.has(feature))
