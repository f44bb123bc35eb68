import type { TicklePort } from '@paravane/core'
import { type CreditState, NR_PRIORITIES } from './credit-state.ts'
import type { RunQueues } from './run-queue.ts'

/** Which pCPU a unit goes to, and which unit a pCPU takes from another. */
export class LoadBalance {
  readonly #state: CreditState
  readonly #queues: RunQueues
  readonly #port: TicklePort

  constructor(state: CreditState, queues: RunQueues, port: TicklePort) {
    this.#state = state
    this.#queues = queues
    this.#port = port
  }

  /**
   * Queues a unit where it runs soonest, and tickles that pCPU if it should look.
   * @param isFirst nothing else wants to run: units that do so now and then come together on the first pCPU (as with Xen's
   *   sched_smt_power_savings), so that the caches of one thread serve them all
   */
  place(unit: number, isFirst: boolean = false): void {
    const first = isFirst ? this.#idleFor(unit) : -1
    const pcpu = first >= 0 ? first : this.#choose(unit)
    const running = this.#state.running.get(pcpu)
    const preempts = running < 0 || this.#state.priority.get(unit) < this.#state.priority.get(running)
    this.#queues.insert(unit, pcpu)
    if (preempts) this.#port.tickle(pcpu)
  }

  /** The first pCPU from the `unit`-th on that it may run on: spreads new units evenly. */
  firstHome(unit: number): number {
    const { pcpus } = this.#state.limits
    for (let i = 0; i < pcpus; i++) {
      const pcpu = (unit + i) % pcpus
      if (this.#state.allows(unit, pcpu)) return pcpu
    }
    return 0
  }

  /**
   * Takes a unit that waits for another pCPU and may run on this one, of priority `worst` or better. The best priority
   * first, then the nearest pCPU above.
   * @returns the unit, no longer queued, or -1
   */
  steal(pcpu: number, worst: number): number {
    const { pcpus } = this.#state.limits
    for (let priority = 0; priority <= Math.min(worst, NR_PRIORITIES - 1); priority++) {
      for (let i = 1; i < pcpus; i++) {
        const peer = (pcpu + i) % pcpus
        if (this.#state.queued.get(peer) === 0) continue
        for (const unit of this.#queues.units(peer, priority)) {
          if (!this.#state.allows(unit, pcpu)) continue
          this.#queues.remove(unit)
          return unit
        }
      }
    }
    return -1
  }

  /** Tickles idle pCPUs that could take what still waits for this one. */
  offer(pcpu: number): void {
    if (this.#state.queued.get(pcpu) === 0) return
    const taken = new Set<number>()
    for (let priority = 0; priority < NR_PRIORITIES; priority++) {
      for (const unit of this.#queues.units(pcpu, priority)) {
        const idler = this.#idleFor(unit, taken)
        if (idler < 0) continue
        taken.add(idler)
        this.#port.tickle(idler)
      }
    }
  }

  #choose(unit: number): number {
    const home = this.#state.home.get(unit)
    const allowed = this.#state.allows(unit, home)
    if (allowed && this.#idle(home)) return home
    const idler = this.#idleFor(unit)
    if (idler >= 0) return idler
    return allowed ? home : this.#leastLoaded(unit)
  }

  #idle(pcpu: number): boolean {
    return this.#state.running.get(pcpu) < 0 && this.#state.queued.get(pcpu) === 0
  }

  #idleFor(unit: number, except?: ReadonlySet<number>): number {
    const { pcpus } = this.#state.limits
    for (let pcpu = 0; pcpu < pcpus; pcpu++) {
      if (this.#idle(pcpu) && this.#state.allows(unit, pcpu) && !except?.has(pcpu)) return pcpu
    }
    return -1
  }

  #leastLoaded(unit: number): number {
    const { pcpus } = this.#state.limits
    let chosen = -1
    let least = Number.POSITIVE_INFINITY
    for (let pcpu = 0; pcpu < pcpus; pcpu++) {
      const load = this.#state.queued.get(pcpu) + (this.#state.running.get(pcpu) < 0 ? 0 : 1)
      if (load >= least || !this.#state.allows(unit, pcpu)) continue
      chosen = pcpu
      least = load
    }
    return chosen
  }
}
