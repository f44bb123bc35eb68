import type { EndReason, RunningDomain } from '../../libs/core/src/host/hypervisor-api.ts'

/** How a fact is to end: by itself, for a reason; not at all, until it is destroyed; or in any way that is the guest's own. */
export type Expected = 'runs' | 'any' | { readonly reason: EndReason; readonly detail?: RegExp }

/** What one hostile guest does, and what has to come of it. */
export interface Fact {
  /** As the guest's sources call it: FACT(..., name). */
  readonly name: string
  /** One line, for the table in docs. */
  readonly does: string
  readonly end: Expected
  /** What it has to have shown on its console. */
  readonly shows?: readonly RegExp[]
  /** Whether it shows answers, which have to be those of Xen in answers-table.ts. */
  readonly answers?: boolean
  /** MiB, 16 by default. */
  readonly memory?: number
  /** 1 by default. */
  readonly vcpus?: number
  /** Seconds it is given to end, or to run; 10 and 1 by default. */
  readonly seconds?: number
  /** What is done to it from outside, as soon as it is made. */
  readonly disturb?: (domain: RunningDomain) => void
}
