/**
 * `npm run accept -- ISSUE`: measures each point of an issue and of those before it, and prints a line for each. The exit
 * status is 1 if one fails and 2 for wrong usage.
 */
import { parseArgs } from 'node:util'
import { ISSUE_NAMES, listsUpTo } from './issues.ts'
import { formatted, type How, measure, type Result } from './point.ts'

const USAGE = `usage: npm run accept -- ISSUE [POINT ...] [--short] [--json]
Issues: ${ISSUE_NAMES.join(', ')}. With numbers, only these points of the issue itself.
  --short   the reduced form of the points that take long (each value says so)
  --json    one JSON document in place of lines`

interface Wish extends Pick<How, 'short'> {
  readonly issue: string
  readonly only: readonly number[]
  readonly json: boolean
}

function readArguments(): Wish {
  const { values, positionals } = parseArgs({
    options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [issue, ...numbers] = positionals
  if (issue === undefined) throw new RangeError('name an issue')
  if (listsUpTo(issue) === undefined) throw new RangeError(`there is no issue ${issue}`)
  const only = numbers.map(Number)
  const known = listsUpTo(issue)!
    .at(-1)!
    .points.map(({ number }) => number)
  const unknown = only.find((number) => !known.includes(number))
  if (unknown !== undefined) throw new RangeError(`${issue} has no point ${unknown}, only ${known.join(', ')}`)
  return { issue, only, ...values }
}

async function accept({ issue, only, short, json }: Wish): Promise<boolean> {
  const lists = listsUpTo(issue)!
  const results: Result[] = []
  const how: How = { short, progress: (line) => process.stderr.write(`accept: ${line}\n`) }
  for (const list of only.length > 0 ? lists.slice(-1) : lists) {
    for (const point of list.points) {
      if (only.length > 0 && !only.includes(point.number)) continue
      how.progress(`${list.issue} ${point.number}: ${point.title} ...`)
      const result = await measure(list.issue, point, how)
      results.push(result)
      if (!json) console.log(formatted(result))
    }
  }
  const pass = results.every((result) => result.pass)
  if (json) console.log(JSON.stringify({ issue, short, pass, points: results }, undefined, 2))
  return pass
}

try {
  process.exitCode = (await accept(readArguments())) ? 0 : 1
} catch (error) {
  console.error(`accept: ${(error as Error).message}\n${USAGE}`)
  process.exitCode = 2
}
