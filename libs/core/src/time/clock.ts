/**
 * Time since the hypervisor booted: the only source of it for code whose effects reach guests. The same origin in all
 * threads. A domain's guest time is this plus its `timeOffset`.
 */
export interface Clock {
  /** ns since the hypervisor booted; never goes back in one thread. */
  now(): bigint
  /** What rdtsc reads now: ticks of {@link tscHz} since the same moment. */
  tsc(): bigint
  /** At least 1. */
  readonly tscHz: number
  /** ns from the epoch to `now() === 0`. */
  readonly epoch: bigint
}

/** 1 GHz: a tick is a nanosecond. */
export const TSC_HZ = 1_000_000_000

/** Posted to each thread, so that all of them count from the same moment. */
export interface ClockOrigin {
  /** process.hrtime.bigint() when the hypervisor booted. */
  readonly hrtime: bigint
  /** ns from the epoch to that moment. */
  readonly epoch: bigint
}

/** Bound once: `process` is a getter, which costs guests that read the TSC as much as the clock itself. */
const hostTime: () => bigint = process.hrtime.bigint

/** Reads the host's clocks, once, when the hypervisor boots. */
export function hostClockOrigin(): ClockOrigin {
  return { hrtime: hostTime(), epoch: BigInt(Date.now()) * 1_000_000n }
}

/** The host's monotonic clock. */
export class HostClock implements Clock {
  readonly tscHz: number = TSC_HZ
  readonly epoch: bigint
  readonly #origin: bigint

  constructor(origin: ClockOrigin) {
    this.epoch = origin.epoch
    this.#origin = origin.hrtime
  }

  now(): bigint {
    return hostTime() - this.#origin
  }

  tsc(): bigint {
    return this.now()
  }
}
