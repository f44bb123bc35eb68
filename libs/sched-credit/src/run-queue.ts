import { type CreditState, NR_PRIORITIES } from './credit-state.ts'
import { LinkedLists } from './linked-list.ts'

/** The pCPUs' queues: units in order of priority, within one in order of arrival. */
export class RunQueues {
  readonly #state: CreditState
  readonly #lists: LinkedLists

  constructor(state: CreditState) {
    this.#state = state
    this.#lists = new LinkedLists(state)
  }

  holds(unit: number): boolean {
    return this.#state.queue.get(unit) >= 0
  }

  /** Behind its equals on `pcpu`, which becomes its home. It must be in no queue. */
  insert(unit: number, pcpu: number): void {
    const list = pcpu * NR_PRIORITIES + this.#state.priority.get(unit)
    this.#lists.append(list, unit)
    this.#state.queue.set(unit, list)
    this.#state.home.set(unit, pcpu)
    this.#state.queued.add(pcpu, 1)
  }

  /** It must be in a queue. */
  remove(unit: number): void {
    const list = this.#state.queue.get(unit)
    this.#lists.remove(list, unit)
    this.#state.queue.set(unit, -1)
    this.#state.queued.add(Math.floor(list / NR_PRIORITIES), -1)
  }

  /** Changes the priority of a unit, queued or not. */
  setPriority(unit: number, priority: number): void {
    if (this.#state.priority.get(unit) === priority) return
    const list = this.#state.queue.get(unit)
    if (list >= 0) this.remove(unit)
    this.#state.priority.set(unit, priority)
    if (list >= 0) this.insert(unit, Math.floor(list / NR_PRIORITIES))
  }

  /** First unit of that priority or a better one, other than `except`, or -1. */
  best(pcpu: number, worst: number = NR_PRIORITIES - 1, except = -1): number {
    if (this.#state.queued.get(pcpu) === 0) return -1
    for (let priority = 0; priority <= worst; priority++) {
      let unit = this.#first(pcpu, priority)
      if (unit >= 0 && unit === except) unit = this.#lists.after(unit)
      if (unit >= 0) return unit
    }
    return -1
  }

  /** Units of one priority, first come first; none may be moved meanwhile. */
  *units(pcpu: number, priority: number): Generator<number, void> {
    for (let unit = this.#first(pcpu, priority); unit >= 0; unit = this.#lists.after(unit)) yield unit
  }

  #first(pcpu: number, priority: number): number {
    return this.#lists.first(pcpu * NR_PRIORITIES + priority)
  }
}
