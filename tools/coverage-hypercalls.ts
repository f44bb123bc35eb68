/** `npm run coverage:hypercalls`: writes docs/hypercalls.md from the hypercall table. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as errno from '../libs/core/src/abi/errno.ts'
import {
  type CommandRow,
  coreHypercalls,
  type HypercallRow,
  HypercallTable,
  multicallRow,
} from '../libs/core/src/index.ts'
import { cpuHypercalls } from '../libs/cpu-x86/src/pv/cpu-hypercalls.ts'
import { mmuHypercalls } from '../libs/cpu-x86/src/pv/mmu/hypercalls.ts'

export const PAGE: string = fileURLToPath(new URL('../docs/hypercalls.md', import.meta.url))

function notCalled(): never {
  throw new Error('the coverage page makes no calls')
}

/** Every row of the table, by number. */
export function allRows(): readonly HypercallRow[] {
  const sets = [
    { id: 'dispatch', rows: [multicallRow(notCalled)] },
    coreHypercalls,
    { id: 'cpu', rows: cpuHypercalls(notCalled) },
    mmuHypercalls(notCalled),
  ]
  // Refuses two rows of one number.
  new HypercallTable(sets)
  return sets.flatMap(({ rows }) => rows).sort((a, b) => a.nr - b.nr)
}

/** The commands a row declares. */
export function commandsOf(row: HypercallRow): readonly CommandRow[] {
  const declared = row.commands ?? ('subOps' in row ? row.subOps.rows : [])
  return [...declared].sort((a, b) => a.cmd - b.cmd)
}

const names = new Map(Object.entries(errno).map(([name, value]) => [value as number, name]))
/** EWOULDBLOCK and the like are second names. */
const nameOf = (value: number): string =>
  Object.entries(errno).find(([, other]) => other === value)?.[0] ?? names.get(value) ?? String(value)

const cells = (...texts: readonly (string | number)[]): string => `| ${texts.join(' | ')} |`

function status(row: Pick<CommandRow, 'refused'>): string[] {
  return row.refused ? [`refused: -${nameOf(row.refused.errno)}`, row.refused.because] : ['done', '']
}

function section(row: HypercallRow): string[] {
  const commands = commandsOf(row)
  const [what, why] = status(row)
  const lines = [`## ${row.nr} ${row.name}`, '', `${what}${why ? ` (${why})` : ''}, callers: ${row.callers}`, '']
  if (commands.length === 0) return lines
  lines.push(cells('command', 'name', 'answer', 'why'), cells('---:', '---', '---', '---'))
  for (const command of commands) lines.push(cells(command.cmd, `\`${command.name}\``, ...status(command)))
  if ('subOps' in row) lines.push('', `Any other: -${nameOf(row.subOps.unknown)}.`)
  return [...lines, '']
}

export function coveragePage(): string {
  const rows = allRows()
  const all = rows.flatMap(commandsOf)
  const refused = all.filter((row) => row.refused).length
  const calls = rows.filter((row) => !row.refused).length
  return [
    '# Hypercalls',
    '',
    '<!-- Made by `npm run coverage:hypercalls` from the hypercall table: change the rows, not this page. -->',
    '',
    `Of ${rows.length} hypercalls ${calls} are done; of their ${all.length} commands ${all.length - refused} are done and`,
    `${refused} refused, each as Xen 4.17 refuses it to a domU unless [deviations](deviations.md) says otherwise. Any other`,
    'number answers -ENOSYS. "Refused" names the answer to a call that has nothing else wrong with it: an argument that',
    'cannot be read, or a domain that is not there, is told first, in the order in which Xen looks.',
    '',
    'Where the answers come from: `tools/guests/hypercalls` is a guest that makes some thousand calls with right and wrong',
    'arguments; `real-xen.txt` beside it is what a real Xen 4.17 answered, and a test compares.',
    '',
    ...rows.flatMap(section),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

if (import.meta.main) {
  const page = coveragePage()
  const changed = page !== readFileSync(PAGE, { encoding: 'utf8', flag: 'a+' })
  writeFileSync(PAGE, page)
  console.log(`docs/hypercalls.md ${changed ? 'is new' : 'was current'}: ${page.split('\n').length} lines`)
}
