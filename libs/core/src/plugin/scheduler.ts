import type { PcpuPart } from './pcpu-part.ts'
import { type PcpuTokens, pcpuTokens } from './token.ts'

/** pCPUs at most: affinity is a mask of as many bits. */
export const MAX_PCPUS = 64
/** In the place of a unit: nothing runs. */
export const IDLE = -1
/** In the place of a deadline: none. */
export const NO_DEADLINE = -1n
/** In the place of a slice: until something else ends it. */
export const NO_SLICE: number = Number.POSITIVE_INFINITY
/** Affinity to every pCPU. */
export const ANY_PCPU: bigint = (1n << BigInt(MAX_PCPUS)) - 1n

/** Sizes, fixed while the hypervisor runs. */
export interface SchedulerLimits {
  /** pCPUs 0 to pcpus - 1, all present from the start; 1 to {@link MAX_PCPUS}. */
  readonly pcpus: number
  /** Domain slots 0 to domains - 1. A slot is core's dense number of a living domain, not its domid. */
  readonly domains: number
  /** Units 0 to units - 1. A unit is one vCPU of one domain under core's dense number. */
  readonly units: number
}

/** What a scheduler may ask of core. */
export interface TicklePort {
  /**
   * Have `doSchedule` called on that pCPU soon, also when it sleeps or runs a guest. Core collects these and acts on them
   * after the scheduler's method returned and the lock was released; asking twice is once.
   */
  tickle(pcpu: number): void
}

/** Parameters by name, in the units of the tool that sets them: `{ weight: 256, cap: 0 }`. */
export type SchedulerParams = Readonly<Record<string, number>>

/** The answer of {@link SchedulerOps.doSchedule}. */
export interface SchedulerDecision {
  /** Unit to run now, or {@link IDLE}. */
  readonly unit: number
  /** ns it may run before `doSchedule` is wanted again; above 0. {@link NO_SLICE} when idle. */
  readonly slice: number
}

/**
 * Decides which vCPU runs where and for how long: Xen's `struct sched_ops`, in camelCase. The credit scheduler is one.
 *
 * **Who calls.** Core, from any thread, always holding the scheduler's lock, so no two calls overlap. Each thread has an
 * instance of its own over the same shared record ({@link PcpuPart}). There are no timers: time comes in as
 * `now`, ns since the hypervisor's boot, never going back from one call to the next on any thread; what must happen
 * later is asked for by `nextDeadline`. The same calls with the same arguments give the same answers.
 *
 * **A unit's life.** `insertUnit` makes it *asleep*; `wake` makes it *queued*; `doSchedule` on a pCPU of its affinity makes
 * it *running* there, and only there; the next `doSchedule` on that pCPU, which names it as `current`, ends that: then it
 * is queued or asleep as `runnable` says, or running again. Its state is saved and complete when that call is made, so any
 * other pCPU may pick it as soon as the lock is free. Of a running unit, core knows best whether it wants to run on:
 * `wake` and `sleep` of it change nothing but who is tickled, and `runnable` counts.
 *
 * **What must hold** after any call, once the tickles asked for were acted on:
 * a unit runs on one pCPU at most; never outside its affinity once that pCPU was rescheduled; no unit waits in a queue
 * while a pCPU of its affinity is idle, unless the scheduler holds it back (a cap); a machine without runnable and
 * held back units has no deadline anywhere.
 *
 * Arguments come from core and are valid: numbers within the limits, units and domains inserted and not removed.
 * Only `adjust` and `adjustGlobal` see values from a tool.
 */
export interface SchedulerOps {
  /** A new domain, with default parameters and no units. Its slot's old state, if any, is void. */
  insertDomain(domain: number): void
  /** All its units were removed before. */
  removeDomain(domain: number): void
  /**
   * Changes the named parameters of a domain, from the next decision on; others stay.
   * @returns 0, or -EINVAL and nothing changed: a name it does not have, or a value out of range
   */
  adjust(domain: number, params: SchedulerParams): number
  /** All parameters of a domain; empty if it has none. */
  params(domain: number): SchedulerParams
  /** As `adjust`, for parameters of the scheduler itself. */
  adjustGlobal(params: SchedulerParams): number
  globalParams(): SchedulerParams

  /**
   * A new unit, asleep.
   * @param affinity bit p: may run on pCPU p. At least one bit of a present pCPU is set.
   */
  insertUnit(unit: number, domain: number, affinity: bigint, now: bigint): void
  /**
   * The unit is gone. If it is running, its pCPU is tickled; `doSchedule` there with `current` it and `runnable` false is
   * then the last call that names it, and core does not use the number again before.
   */
  removeUnit(unit: number, now: bigint): void
  /** New hard affinity. A unit running or queued elsewhere is moved: the pCPU it must leave is tickled, as is one to take it. */
  setAffinity(unit: number, affinity: bigint, now: bigint): void

  /** The unit wants to run (an event, unpause). Tickles the pCPU that shall take it. No effect if it is queued or runs. */
  wake(unit: number, now: bigint): void
  /** The unit must not run (pause, offline). Queued: leaves the queue. Running: its pCPU is tickled. Asleep: no effect. */
  sleep(unit: number, now: bigint): void
  /** The running unit lets others go first in the next `doSchedule` of its pCPU, which follows at once. */
  yield(unit: number): void

  /**
   * Ends the run of `current` and picks what runs on `pcpu` next, itself included.
   * @param current what runs there: what this pCPU's last `doSchedule` answered, or {@link IDLE}
   * @param runnable whether `current` wants to run on; false for {@link IDLE}
   */
  doSchedule(pcpu: number, now: bigint, current: number, runnable: boolean): SchedulerDecision
  /** Does what `nextDeadline(pcpu)` asked for, and may tickle. Early and late calls do no harm. What runs stays. */
  tick(pcpu: number, now: bigint): void
  /**
   * When core shall call `tick(pcpu)` at the latest, ns since boot; {@link NO_DEADLINE} if never. Core asks after each
   * `doSchedule` and `tick` of that pCPU; if it comes to be earlier at another time, the scheduler tickles that pCPU.
   */
  nextDeadline(pcpu: number): bigint
}

/** What a scheduler plugin contributes, under the name that config's `scheduler` picks. */
export type SchedulerPart = PcpuPart<SchedulerOps, SchedulerLimits, TicklePort>

export const SchedulerOps: PcpuTokens<SchedulerPart> = pcpuTokens('SchedulerOps')
