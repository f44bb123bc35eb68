import { DOMAIN, type DomainState } from '../domain/domain-state.ts'
import { type Clock, TSC_HZ } from './clock.ts'

export interface VirtualClockInit {
  readonly state: DomainState
  /** Instructions all vCPUs of the domain have retired, the run in progress included. Never goes back. */
  readonly retired: () => bigint
  /** ns an instruction takes; at least 1. Default 1: the TSC counts instructions. */
  readonly nsPerInstruction?: bigint
  /** ns from the epoch to time 0. Not the host's: it is part of what makes a run repeatable. */
  readonly epoch: bigint
}

/**
 * The time of one domain as a function of its instructions: the same on every host, at any load, in every tier. It
 * stands still while the domain is stopped, and jumps to the next deadline when all its vCPUs wait.
 */
export class VirtualClock implements Clock {
  readonly tscHz: number = TSC_HZ
  readonly epoch: bigint
  readonly #state: DomainState
  readonly #retired: () => bigint
  readonly #nsPerInstruction: bigint

  constructor({ state, retired, nsPerInstruction = 1n, epoch }: VirtualClockInit) {
    this.epoch = epoch
    this.#state = state
    this.#retired = retired
    this.#nsPerInstruction = nsPerInstruction
  }

  now(): bigint {
    return this.#retired() * this.#nsPerInstruction + DOMAIN.idleTime.load(this.#state.memory, 0)
  }

  tsc(): bigint {
    return this.now()
  }

  /** Every vCPU waits: it is `deadline` now. Nothing if that is past. */
  skipTo(deadline: bigint): void {
    const ahead = deadline - this.now()
    if (ahead > 0n) DOMAIN.idleTime.add(this.#state.memory, 0, ahead)
  }

  /** Instructions to retire until it is `deadline`: the budget of the run before it. 0 if it is past. */
  instructionsUntil(deadline: bigint): bigint {
    const ahead = deadline - this.now()
    return ahead <= 0n ? 0n : (ahead + this.#nsPerInstruction - 1n) / this.#nsPerInstruction
  }
}
