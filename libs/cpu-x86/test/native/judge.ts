/** Whose processor judges where the tests run. What it was recorded from is AMD's Zen 4; others are excused where they are named here. */
import { readFileSync } from 'node:fs'

/** Zen 3 and 4 (family 25): even what is undefined is as they leave it. */
export const isReference: boolean = /^cpu family\s*: 25$/m.test(readFileSync('/proc/cpuinfo', 'utf8'))

export interface MakersOwn {
  readonly names: string
  readonly reason: string
}

/** What a processor that is not the reference may do otherwise, seen on Intel's Sapphire Rapids. */
export const MAKERS_OWN = {
  undefinedFlags: { names: 'all', reason: 'undefined flags' },
  wideShift: {
    names: 'shld shrd',
    reason: '16 bits by more than 16: result and flags are undefined (SDM vol. 2, SHLD)',
  },
  alignment: {
    names: 'sha1* sha256*',
    reason: 'Intel wants memory aligned to 16 bytes (SDM vol. 2, 2.4: type 4), else #GP; ours, as AMD, does not',
  },
  pause: { names: 'pause', reason: 'f3 90 with REX.B is pause at Intel, and an xchg with r8 at AMD and ours' },
  stoppedComparison: {
    names: 'cmps scas',
    reason:
      'repeated, and stopped by a fault: Intel gives the flags from before the first, AMD and ours those of the last comparison; it goes on from there, so only who handles the fault can tell',
  },
  twoNaNs: { names: 'dpps dppd', reason: 'which of two NaNs is the sum, where they come from different lanes' },
} as const satisfies Readonly<Record<string, MakersOwn>>
