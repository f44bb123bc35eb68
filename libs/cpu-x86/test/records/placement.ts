/** Where memory operands lie: within a page, across pages, at the end of what is mapped, where access is refused. */
import { DATA, PAGE, READ_ONLY, STACK, UNMAPPED } from './layout.ts'
import type { Random } from './random.ts'

export type Placement =
  | 'aligned'
  | 'anywhere'
  | 'crossing'
  | 'readOnly'
  | 'intoReadOnly'
  | 'end'
  | 'intoNothing'
  | 'nothing'
  | 'refused'

/** Of the n-th case; each of sixteen in a row, two halves alike, so that eight are enough to meet most. */
const CYCLE: readonly Placement[] = [
  ...(['aligned', 'anywhere', 'crossing', 'aligned', 'readOnly', 'aligned', 'intoNothing', 'anywhere'] as const),
  ...(['aligned', 'end', 'intoReadOnly', 'anywhere', 'nothing', 'refused', 'aligned', 'crossing'] as const),
]
export const placementOf = (n: number): Placement => CYCLE[n % CYCLE.length] as Placement

const below = (random: Random, size: number): number => 1 + random.below(Math.max(1, size - 1))

/** An address for `size` bytes; `wide` if addresses have 64 bits. */
export function dataAddress(random: Random, placement: Placement, size: number, wide: boolean): bigint {
  const bytes = Math.max(1, size)
  switch (placement) {
    case 'aligned':
      return BigInt(DATA + 16 * (32 + random.below(64)))
    case 'anywhere':
      return BigInt(DATA + 0x400 + random.below(0x400))
    case 'crossing':
      return BigInt(DATA + PAGE - below(random, bytes))
    case 'readOnly':
      return BigInt(READ_ONLY + 16 * random.below(128))
    case 'intoReadOnly':
      return BigInt(READ_ONLY - below(random, bytes))
    case 'end':
      return BigInt(UNMAPPED - bytes)
    case 'intoNothing':
      return BigInt(UNMAPPED - below(random, bytes))
    case 'nothing':
      return BigInt(random.oneIn(2) ? UNMAPPED + random.below(256) : DATA - bytes)
    case 'refused':
      if (!wide) return 0x1_0000_0000n - BigInt(below(random, bytes))
      return random.pick([0x8000_0000_0020n, 0xffff_7fff_ffff_ff00n, 0x7654_3210_0000_0000n]) + BigInt(random.below(9))
  }
}

/** A stack pointer for an instruction that uses it; `size` bytes are taken or put there. */
export function stackAddress(random: Random, placement: Placement, size: number, wide: boolean): bigint {
  switch (placement) {
    case 'aligned':
      return BigInt(STACK + 16 * (64 + random.below(64)))
    case 'anywhere':
      return BigInt(STACK + 0x400 + random.below(0x400))
    case 'crossing':
      return BigInt(STACK + PAGE + below(random, size) * (random.oneIn(2) ? 1 : -1))
    case 'readOnly':
      return BigInt(READ_ONLY + 0x100 + random.below(0x100))
    case 'intoReadOnly':
      return BigInt(STACK + 2 * PAGE - below(random, size))
    case 'end':
      return BigInt(random.oneIn(2) ? STACK : STACK + 2 * PAGE)
    case 'intoNothing':
      return BigInt(STACK + below(random, size))
    case 'nothing':
      return BigInt(STACK + 2 * PAGE + 0x100 + random.below(256))
    case 'refused':
      return wide ? 0x9000_0000_0000_0000n + BigInt(random.below(64)) : 0x1_0000_0000n - BigInt(below(random, size))
  }
}

/** An address that stands in the instruction. */
export function addressInPage(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return DATA + PAGE - 1 - random.below(15)
    case 1:
      return READ_ONLY + 16 * random.below(64)
    case 2:
      return random.oneIn(2) ? UNMAPPED + random.below(64) : READ_ONLY - random.below(16)
    case 3:
      return DATA + 0x400 + random.below(0x400)
    default:
      return DATA + 16 * (32 + random.below(64))
  }
}
