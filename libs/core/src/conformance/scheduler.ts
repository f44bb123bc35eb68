import type { SchedulerPart } from '../plugin/scheduler.ts'
import { scheduleContractCases } from './scheduler-contract.ts'
import { shareCases } from './scheduler-shares.ts'
import { threadCases } from './scheduler-threads.ts'
import type { SuiteCase } from './suite-case.ts'

/** The scheduler to examine. */
export interface SchedulerSubject {
  /** A part made from scratch, as a newly started thread would. */
  readonly make: () => SchedulerPart
  /** Where worker threads find the plugin that contributes it: module URL, configuration, and the part's key. */
  readonly plugin: { readonly url: string; readonly config: unknown; readonly key: string }
  /** Domain parameters it has, by what they mean; the cases that need one are left out without it. */
  readonly shares?: {
    /** Parameter that is the relative share of each unit of a domain. */
    readonly weight?: string
    /** Parameter that limits a domain, in percent of one pCPU. */
    readonly cap?: string
  }
}

/**
 * The bar for schedulers, ours and others': the contract of `SchedulerOps` on a simulated machine, and state that lives
 * in shared memory alone.
 */
export function schedulerSuite(subject: SchedulerSubject): readonly SuiteCase[] {
  return [...scheduleContractCases(subject.make), ...shareCases(subject), ...threadCases(subject)]
}
