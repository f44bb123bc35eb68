import { eachAtMost, meanAtMost, rowAtMost } from './bench-rows.ts'
import { busyGuests } from './busy-guests.ts'
import { execsCompileNothing } from './execs.ts'
import { oneGuestsMemory, sharedTranslations } from './guests-memory.ts'
import { kickLatency } from './kicks.ts'
import type { AcceptList, How, Outcome } from './point.ts'
import { programs } from './programs.ts'
import { records } from './records.ts'
import { rewritingGuest } from './rewriting-guest.ts'
import { stressedBoots } from './stressed-boots.ts'
import { runTestFiles } from './test-files.ts'
import { tierHashes } from './tier-hashes.ts'

/** Code that is compiled for the first time, hot, rewritten, or lies across pages. */
const TIER_TESTS = ['libs/cpu-x86/test/run', 'libs/cpu-x86/test/safepoint', 'libs/cpu-x86/test/alone'] as const

/** The engine outruns QEMU's TCG. Times are those of `npm run bench`, over TCG's of the same run. */
export const SPEED: AcceptList = {
  issue: 'speed',
  points: [
    { number: 1, title: 'integer kernels', measure: meanAtMost('int', 0.5) },
    { number: 2, title: 'floating point kernels', measure: meanAtMost('fp', 0.25) },
    { number: 3, title: 'bulk moves', measure: meanAtMost('bulk', 0.1) },
    { number: 4, title: "work of the guest's kernel", measure: meanAtMost('kernel', 0.8, 1) },
    { number: 5, title: 'real programs', measure: meanAtMost('program', 0.65, 1.2) },
    { number: 6, title: 'every kernel', measure: eachAtMost(1.5) },
    { number: 7, title: 'boot of the cloud kernel to its shell', measure: rowAtMost('boot', 1) },
    { number: 8, title: 'a second guest with the same kernel', measure: rowAtMost('second-guest', 0.7, 'vsFirst') },
    { number: 9, title: 'a walk over 64 MiB', measure: rowAtMost('walk', 0.6) },
    { number: 10, title: 'one program started 100 times', measure: execsCompileNothing },
    { number: 11, title: 'the same state hashes', measure: tierHashes },
    { number: 12, title: 'records and programs in every tier', measure: inEveryTier },
    { number: 13, title: 'boots on a busy host', measure: stressedBoots },
    { number: 14, title: 'answers to a kick', measure: kickLatency },
    { number: 15, title: 'a guest that writes and runs new code', measure: rewritingGuest },
    { number: 16, title: 'our memory for one guest', measure: oneGuestsMemory },
    { number: 17, title: 'ten guests share translations', measure: sharedTranslations },
    { number: 18, title: 'two and four busy guests on two pCPUs', measure: busyGuests },
  ],
}

async function inEveryTier(how: How): Promise<Outcome> {
  const parts = [await records(how), await programs(how), await runTestFiles(TIER_TESTS)]
  return {
    pass: parts.every(({ pass }) => pass),
    value: parts.map(({ value }) => value).join('; '),
    faults: parts.flatMap(({ faults = [] }) => faults),
  }
}
