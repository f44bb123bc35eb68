import { means } from './compare.ts'
import { KINDS, MACHINES, type Row } from './kinds.ts'

/** Time as a person reads it. */
export function formattedTime(ns: number | undefined): string {
  if (ns === undefined) return '-'
  const [unit, size] = (
    [
      ['s', 1e9],
      ['ms', 1e6],
      ['us', 1e3],
    ] as const
  ).find(([, each]) => ns >= each) ?? ['ns', 1]
  return `${(ns / size).toPrecision(3)} ${unit}`
}

const ratio = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(3))

/** A Markdown table of the rows, and one of the geometric means by kind. */
export function formattedTable(rows: readonly Row[]): string {
  const head = ['name', 'kind', 'paravane', 'TCG', 'native', 'first call', 'TCG', 'vs TCG', 'vs native']
  const body = rows.map(({ name, kind, ns, coldNs, vsTcg, vsNative }) => [
    name,
    kind,
    ...MACHINES.map((machine) => formattedTime(ns[machine])),
    formattedTime(coldNs.paravane),
    formattedTime(coldNs.tcg),
    ratio(vsTcg),
    ratio(vsNative),
  ])
  const [tcg, native] = [means(rows, 'vsTcg'), means(rows, 'vsNative')]
  const kinds = KINDS.filter((kind) => tcg[kind] !== undefined || native[kind] !== undefined)
  const meanRows = kinds.map((kind) => [kind, ratio(tcg[kind]), ratio(native[kind])])
  const second = rows
    .filter(({ vsFirst }) => vsFirst !== undefined)
    .map(({ vsFirst }) => `The second guest of a process boots in ${ratio(vsFirst)} of the first one's time.`)
  const geometric = meanRows.length === 0 ? [] : [markdown(['geometric mean', 'vs TCG', 'vs native'], meanRows)]
  return [markdown(head, body), ...geometric, ...second].join('\n\n')
}

function markdown(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, n) => Math.max(title.length, ...body.map((cells) => cells[n].length)))
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, n) => cell.padEnd(widths[n])).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n')
}
