/** Finds the subcommand that is meant (tools/python/xen/xm/main.py of 4.1: exact name, alias, the beginning of one only). */
import { CodedError } from '@paravane/core'
import type { HintedError } from './ask-xend.ts'
import type { Command } from './command.ts'
import { DEPRECATED, UNAVAILABLE } from './unavailable.ts'

/**
 * A beginning counts against all of the classic names, so that it means the same when more of them are there.
 * @throws CodedError `COMMAND_UNAVAILABLE`, HintedError `COMMAND_UNKNOWN`
 */
export function lookup(commands: readonly Command[], given: string, stderr: (text: string) => void): Command {
  const names = [...commands.map(({ name }) => name), ...UNAVAILABLE.keys()]
  const name = nameOf(names, given, stderr)
  const command = commands.find((command) => command.name === name)
  if (command !== undefined) return command
  throw new CodedError({ code: 'COMMAND_UNAVAILABLE', name }, `'xm ${name}' is not there: ${UNAVAILABLE.get(name)}.`)
}

function nameOf(names: readonly string[], given: string, stderr: (text: string) => void): string {
  if (names.includes(given)) return given
  const instead = DEPRECATED.get(given)
  if (instead !== undefined) {
    stderr(`Command ${given} is deprecated.  Please use xm ${instead} instead.\n`)
    return instead
  }
  const begun = given.length > 1 ? names.filter((name) => name.startsWith(given)) : []
  if (begun.length === 1) return begun[0] as string
  throw unknown(given, begun.length > 1 ? begun : likeIt(names, given))
}

function unknown(given: string, similar: readonly string[]): HintedError {
  const list = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(similar)
  const meant = similar.length === 0 ? '' : `Did you mean ${list}? `
  return new CodedError(
    { code: 'COMMAND_UNKNOWN', hint: `${meant}'xm help' lists the subcommands.` },
    `Subcommand ${given} not found!`,
  )
}

const FAR = 2

/** Those that a slip or two of the finger away, the nearest only. */
function likeIt(names: readonly string[], given: string): readonly string[] {
  const ranked = names.map((name) => ({ name, distance: distance(name, given) }))
  const nearest = Math.min(...ranked.map(({ distance }) => distance))
  if (nearest > FAR || nearest >= given.length) return []
  return ranked.filter(({ distance }) => distance === nearest).map(({ name }) => name)
}

/** Letters to insert, drop, change or swap with their neighbour (optimal string alignment). */
export function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i || j))
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const changed = at(i - 1, j - 1) + Number(a[i - 1] !== b[j - 1])
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : changed
      const row = rows[i] as number[]
      row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, changed, swapped)
    }
  }
  return at(a.length, b.length)
}
