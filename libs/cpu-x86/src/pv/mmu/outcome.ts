import { ERESTART } from '@paravane/core/abi'

// Answers of the page types and of single operations: 0, -errno, or one of these, which no guest sees.
/** Enough work for one stretch: progress is kept in the frames' records, and the same operation carries on. */
export const RESTART: number = -ERESTART
/** A frame is absent: `PageTypes.absentFrame`. The same operation carries on when it is there. */
export const ABSENT = -0x10000

/** Not an answer to the guest: the operation is to be entered again. */
export function isUnfinished(outcome: number): boolean {
  return outcome === RESTART || outcome === ABSENT
}
