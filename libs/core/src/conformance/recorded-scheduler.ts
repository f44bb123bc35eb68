import type { PcpuPart } from '../plugin/pcpu-part.ts'
import type { SchedulerLimits, SchedulerOps, SchedulerPart, TicklePort } from '../plugin/scheduler.ts'
import { SharedMemory, sharedSize } from '../shared-layout.ts'

export type SchedulerMethod = keyof SchedulerOps
/** A call of a scheduler's method, what it answered, and whom it tickled, as text. */
export interface SchedulerCall {
  readonly method: SchedulerMethod
  readonly args: readonly unknown[]
  readonly outcome: string
}

/** Makes fresh shared memory for a scheduler. */
export function schedulerMemory(
  part: PcpuPart<unknown, SchedulerLimits, never>,
  limits: SchedulerLimits,
): SharedMemory {
  return new SharedMemory(new SharedArrayBuffer(sharedSize(part.layout(limits))))
}

/** One thread's instance, whose every call is answered together with the tickles it caused. */
export class SchedulerInstance {
  readonly #ops: SchedulerOps
  readonly #tickled = new Set<number>()

  constructor(part: SchedulerPart, memory: SharedMemory, limits: SchedulerLimits) {
    const port: TicklePort = { tickle: (pcpu) => this.#tickled.add(pcpu) }
    this.#ops = part.create({ memory, base: 0 }, limits, port)
  }

  /** The answer, and the pCPUs tickled meanwhile in order of number. */
  call(method: SchedulerMethod, args: readonly unknown[]): { readonly answer: unknown; readonly tickled: number[] } {
    this.#tickled.clear()
    const body = this.#ops[method] as (...args: readonly unknown[]) => unknown
    const answer = body.apply(this.#ops, args as unknown[])
    return { answer, tickled: [...this.#tickled].sort((a, b) => a - b) }
  }
}

/** What a call did, as text that can be compared. */
export function outcomeText({
  answer,
  tickled,
}: {
  readonly answer: unknown
  readonly tickled: readonly number[]
}): string {
  const value = JSON.stringify(answer, (_key, v: unknown) =>
    typeof v === 'bigint' ? `${v}n` : v === Number.POSITIVE_INFINITY ? 'Infinity' : v,
  )
  return `${value ?? '-'} tickled ${tickled.join(',') || 'none'}`
}

/**
 * A scheduler under test: several instances over one shared record, called in turns as if each thread had one, with a log
 * of all calls.
 */
export class RecordedScheduler {
  readonly calls: SchedulerCall[] = []
  readonly #instances: readonly SchedulerInstance[]
  readonly #tickle: (pcpu: number) => void

  /** @param tickle told of each pCPU to reschedule, when the call is over */
  constructor(make: () => SchedulerPart, limits: SchedulerLimits, instances: number, tickle: (pcpu: number) => void) {
    this.#tickle = tickle
    const memory = schedulerMemory(make(), limits)
    this.#instances = Array.from({ length: instances }, () => new SchedulerInstance(make(), memory, limits))
  }

  call<M extends SchedulerMethod>(method: M, ...args: Parameters<SchedulerOps[M]>): ReturnType<SchedulerOps[M]> {
    const instance = this.#instances[this.calls.length % this.#instances.length]!
    const result = instance.call(method, args)
    this.calls.push({ method, args, outcome: outcomeText(result) })
    for (const pcpu of result.tickled) this.#tickle(pcpu)
    return result.answer as ReturnType<SchedulerOps[M]>
  }
}
