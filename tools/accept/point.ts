/** What a list of points is made of. A list is a table: one file per issue, each row a point of that issue. */

/** How the points are to be measured. */
export interface How {
  /** The reduced form of what takes long, which a value then says of itself. */
  readonly short: boolean
  /** Takes a line about what is being measured now. */
  readonly progress: (line: string) => void
}

export interface Outcome {
  readonly pass: boolean
  /** What was measured, on one line. */
  readonly value: string
  /** What was not as it should be, a line each. */
  readonly faults?: readonly string[]
  /** The measured numbers, for programs. */
  readonly facts?: Readonly<Record<string, unknown>>
}

export interface Point {
  /** As the issue counts it. */
  readonly number: number
  readonly title: string
  /** A point whose measurement throws has failed. */
  readonly measure: (how: How) => Promise<Outcome> | Outcome
}

export interface AcceptList {
  readonly issue: string
  readonly points: readonly Point[]
}

export interface Result extends Outcome {
  readonly issue: string
  readonly number: number
  readonly title: string
  readonly seconds: number
}

export async function measure(issue: string, { number, title, measure: act }: Point, how: How): Promise<Result> {
  const begin = performance.now()
  const outcome = await failing(act, how)
  return { issue, number, title, ...outcome, seconds: Math.round((performance.now() - begin) / 100) / 10 }
}

async function failing(act: Point['measure'], how: How): Promise<Outcome> {
  try {
    return await act(how)
  } catch (error) {
    return { pass: false, value: error instanceof Error ? error.message.split('\n')[0] : String(error) }
  }
}

/** The point's one line, then its faults. */
export function formatted({ issue, number, title, pass, value, faults = [] }: Result): string {
  const line = `${issue} ${number}  ${pass ? 'pass' : 'FAIL'}  ${title}: ${value}`
  return [line, ...faults.map((fault) => `    ${fault}`)].join('\n')
}
