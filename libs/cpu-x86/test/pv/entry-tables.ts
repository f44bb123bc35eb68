import type { Mmu } from '../../src/pv/mmu/mmu.ts'
import * as page from '../../src/pv/mmu/page-info.ts'
import type { Machine } from '../machine.ts'
import type { EntryMachines } from './entry-machines.ts'
import type { Random } from './random.ts'

/** Where the kernel has its L1 table, to read. */
export const TABLE = 0x60_7000n
const TABLE_GMFN = 400
/** Frames that entries name. */
const TARGETS = [402, 403, 404, 405, 406, 407] as const
const DYING_TABLE = 410
/** The page that requests are read from, and where in it they are. */
const REQUESTS = 0x60_0000n
const REQUEST_AT = [0x100, 0xff8] as const
const ABSENT = 490
/** In the place of the frame of REQUESTS. */
const THAT_OF_REQUESTS = 511

const { OWNED, VALIDATED, DYING, TYPE_L1, TYPE_WRITABLE, TYPE_SEG_DESC } = page

export function putTables(both: EntryMachines): void {
  both.map({ va: TABLE, frame: TABLE_GMFN, writable: false })
}

/** A table, frames of all types, and requests to change it. */
export interface TableUpdate {
  readonly entries: readonly bigint[]
  put(machine: Machine, mmu: Mmu): void
}

const FLAGS = [1n, 3n, 7n, 5n, 0x63n, 0x27n, 0x8000_0000_0000_0063n, 0x0a50_0000_0000_0067n] as const

function randomEntry(random: Random, flags: readonly bigint[] = FLAGS): bigint {
  const gmfn = BigInt(random.mostly(random.one(...TARGETS), TABLE_GMFN, 0, 511))
  return random.mostly(gmfn << 12n, gmfn << 12n, 0n) | random.mostly(random.one(...flags), 0n, 0x60n)
}

export function tableUpdate(random: Random): TableUpdate {
  const entry = (): bigint =>
    random.mostly(
      randomEntry(random),
      randomEntry(random, [0x1fn, 0x9bn, 0x83n]),
      random.bits64(),
      (0x777777n << 12n) | 7n,
    )
  const olds = Array.from({ length: 512 }, () => randomEntry(random))
  const slot = random.below(64)
  const next = (): bigint => random.one(entry(), olds[slot], olds[slot] ^ 2n, olds[slot] ^ 0x60n)
  const entries = [next(), entry(), next(), next(), next()] as const
  const pointers = entries.map(
    (_, n) =>
      (BigInt(random.mostly(random.one(TABLE_GMFN, TARGETS[n]), TARGETS[0], ABSENT, 0x555555, THAT_OF_REQUESTS)) <<
        12n) |
      BigInt(random.mostly(slot, random.below(64)) * 8 + random.mostly(random.one(0, 2), 1, 3, 4)),
  )
  const usual = OWNED | TYPE_L1 | VALIDATED
  const table = random.mostly(usual, OWNED | TYPE_WRITABLE, usual | page.PINNED, OWNED, usual & ~OWNED)
  const types = TARGETS.map(() =>
    random.mostly(
      OWNED | TYPE_WRITABLE,
      OWNED,
      OWNED | TYPE_L1 | VALIDATED,
      OWNED | TYPE_SEG_DESC | VALIDATED,
      TYPE_WRITABLE,
    ),
  )
  const dying = random.below(16) === 0
  const stamp = random.below(3)
  return {
    entries,
    put(m, { info }) {
      const { u64 } = m.views
      const frame = BigInt(m.frameOf(REQUESTS))
      const named = pointers.map((p) => (p >> 12n === BigInt(THAT_OF_REQUESTS) ? (frame << 12n) | (p & 4095n) : p))
      for (const [n, old] of olds.entries()) u64[(m.host(TABLE_GMFN) >> 3) + n] = old
      const requests = m.host(m.frameOf(REQUESTS))
      for (const at of REQUEST_AT)
        for (const [n, value] of named.flatMap((pointer, row) => [pointer, entries[row]]).entries())
          if (at + n * 8 < 4096) u64[(requests + at + n * 8) >> 3] = BigInt.asUintN(64, value)
      const set = (gmfn: number, kind: number, count: number): void => {
        const at = info.record(gmfn)
        info.i32.set([kind, count, 40, stamp, 0], at)
      }
      info.i32.fill(0, 0, page.RECORD_BYTES)
      info.i32[page.EPOCH] = 1
      info.i32[page.DYING_HEAD] = dying ? DYING_TABLE + 1 : 0
      set(TABLE_GMFN, table, 1)
      set(DYING_TABLE, dying ? OWNED | TYPE_L1 | VALIDATED | DYING : OWNED, 0)
      info.i32[info.record(DYING_TABLE) + page.STAMP] = 0
      for (const [n, gmfn] of TARGETS.entries()) set(gmfn, types[n], 30 + n)
      for (const gmfn of [ABSENT, Number(frame), 0]) set(gmfn, OWNED | TYPE_WRITABLE, 30)
    },
  }
}
