import { Random } from './random.ts'
import { shrink } from './shrink.ts'
import type { Judge, Target } from './target.ts'

/** How long to go on: until one of these is reached. */
export interface Bounds {
  readonly inputs?: number
  readonly seconds?: number
  /** Failures of different kinds, after which going on says little: 5 unless given. */
  readonly failures?: number
  /** Cases [first, last] and no others. */
  readonly only?: readonly [first: number, last: number]
}

export interface Failure {
  readonly target: string
  readonly seed: number
  /** Cases to repeat: the failing one is the last. More than one if it needs those before it. */
  readonly cases: readonly [first: number, last: number]
  readonly what: string
  readonly stack: string
  /** The smallest case that fails so, as hex; absent if it needs others before it. */
  readonly smallest?: string
}

export interface RunTotals {
  readonly target: string
  readonly seed: number
  readonly inputs: number
  readonly cases: number
  readonly seconds: number
  readonly failures: readonly Failure[]
}

const MOST_FAILURES = 5
/** Cases between two looks at the clock. */
const CLOCK_EVERY = 16

/** Fuzzes one target. Every case follows from the seed and its number. */
export async function runTarget(
  target: Target,
  seed: number,
  {
    inputs: wanted = Number.POSITIVE_INFINITY,
    seconds = Number.POSITIVE_INFINITY,
    failures: most = MOST_FAILURES,
    only,
  }: Bounds,
): Promise<RunTotals> {
  const started = performance.now()
  const elapsed = () => (performance.now() - started) / 1000
  const random = new Random(seed, 0)
  const failures: Failure[] = []
  const [first, last] = only ?? [0, Number.POSITIVE_INFINITY]
  let judge: Judge | undefined
  let opened = first
  let inputs = 0
  let number = first
  for (; number <= last && inputs < wanted && failures.length < most; number++) {
    if ((number - first) % CLOCK_EVERY === 0 && elapsed() >= seconds) break
    if (judge === undefined || number - opened >= target.life) {
      judge = target.open()
      opened = number
    }
    random.restart(seed, number)
    const bytes = judge.make(random)
    try {
      inputs += await judge.judge(bytes)
    } catch (error) {
      inputs++
      judge = undefined
      if (failures.some(({ what }) => alike(what, messageOf(error)))) continue
      failures.push(await describe(target, seed, [opened, number], bytes, error))
    }
  }
  return { target: target.name, seed, inputs, cases: number - first, seconds: elapsed(), failures }
}

/** What a case fails with in a fresh judge, undefined if it does not. */
export function failureOf(target: Target, bytes: Uint8Array): Promise<string | undefined> {
  return failureIn(target.open(), bytes)
}

async function failureIn(judge: Judge, bytes: Uint8Array): Promise<string | undefined> {
  try {
    await judge.judge(bytes)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

async function describe(
  target: Target,
  seed: number,
  [first, number]: readonly [number, number],
  bytes: Uint8Array,
  error: unknown,
): Promise<Failure> {
  const what = messageOf(error)
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const alone = alike((await failureOf(target, bytes.slice())) ?? '', what)
  // Opening a judge can take longer than hundreds of cases; what one case leaves behind does not fail another so.
  const judge = target.open()
  const fails = async (candidate: Uint8Array): Promise<boolean> =>
    alike((await failureIn(judge, candidate)) ?? '', what)
  return {
    target: target.name,
    seed,
    cases: [alone ? number : first, number],
    what,
    stack,
    ...(alone && { smallest: Buffer.from(await shrink(bytes, target.stride, fails)).toString('hex') }),
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.name}: ${error.message}${cause}`
}

/** The same but for numbers and names, which differ from case to case. */
function alike(a: string, b: string): boolean {
  const kind = (text: string) =>
    text
      .split('\n')[0]!
      .replace(/(0x)?[0-9a-f]*\d[0-9a-f]*/g, '#')
      .slice(0, 60)
  return kind(a) === kind(b)
}
