/** How often each method of a socket was asked for, and what came of it. */
export interface RequestCount {
  /** '' for what names no method of ours. */
  readonly method: string
  readonly requests: number
  /** By the error's code. */
  readonly errors: Readonly<Record<string, number>>
}

export class RequestCounts {
  readonly #counts = new Map<string, { requests: number; readonly errors: Map<string, number> }>()

  answered(method: string, code: string | undefined): void {
    const count = this.#counts.get(method) ?? { requests: 0, errors: new Map<string, number>() }
    this.#counts.set(method, count)
    count.requests++
    if (code !== undefined) count.errors.set(code, (count.errors.get(code) ?? 0) + 1)
  }

  rows(): readonly RequestCount[] {
    return [...this.#counts].map(([method, { requests, errors }]) => ({
      method,
      requests,
      errors: Object.fromEntries(errors),
    }))
  }
}
