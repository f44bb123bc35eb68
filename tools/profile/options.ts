import { CodedError } from '../../libs/core/src/errors.ts'

export interface ProfileOptions {
  readonly symbols?: string
  readonly json?: string
  /** Rows of a table. */
  readonly top: number
  /** µs between samples. */
  readonly interval: number
  readonly help: boolean
  /** Those of `npm start`. */
  readonly start: readonly string[]
}

export const USAGE = `usage: npm run profile -- [OPTION ...] [options of npm start]
Runs a guest as npm start does and says, when it has ended, what its threads did with their time.

  --symbols FILE   names of the guest's kernel: System.map, or what /proc/kallsyms says
  --json FILE      all of it, as JSON
  --top N          rows of a table (20)
  --interval US    microseconds between samples (1000)
  --help           show this, and not the options of npm start`

const VALUED = ['--symbols', '--json', '--top', '--interval'] as const
type Valued = (typeof VALUED)[number]

/** @throws CodedError `USAGE` */
export function parseProfileOptions(args: readonly string[]): ProfileOptions {
  const values = new Map<Valued, string>()
  const start: string[] = []
  let help = false
  for (let n = 0; n < args.length; n++) {
    const [name, inline] = split(args[n])
    if (name === '--help' || name === '-h') help = true
    else if (!VALUED.includes(name as Valued)) start.push(args[n])
    else {
      const value = inline ?? args[++n]
      if (!value) throw usage(`${name} needs a value: ${name} VALUE`)
      values.set(name as Valued, value)
    }
  }
  return {
    symbols: values.get('--symbols'),
    json: values.get('--json'),
    top: count(values, '--top', 20),
    interval: count(values, '--interval', 1000),
    help,
    start,
  }
}

function split(argument: string): [string, string | undefined] {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)]
}

function count(values: ReadonlyMap<Valued, string>, name: Valued, otherwise: number): number {
  const text = values.get(name)
  if (text === undefined) return otherwise
  if (!/^[1-9]\d{0,6}$/.test(text)) throw usage(`${name} must be a number from 1 to 9999999, not ${text}`)
  return Number(text)
}

const usage = (message: string): Error => new CodedError({ code: 'USAGE' }, message)
