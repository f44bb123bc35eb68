/** Xend's S-expressions as text, to the byte (tools/python/xen/xend/sxp.py and PrettyPrint.py of Xen 4.1). */

export type Sxp = string | number | readonly Sxp[]

const WIDTH = 80
const INDENT = 4
const ATOM = /^(?:[A-Za-z0-9.\-_:/~]*|@)$/
const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x5c, '\\\\'],
])

/** On one line. */
export function formatSxp(sxp: Sxp): string {
  if (typeof sxp === 'number') return String(sxp)
  return typeof sxp === 'string' ? atom(sxp) : `(${sxp.map(formatSxp).join(' ')})`
}

/** Each list on one line as far as it fits into 80 columns; of any other each part begins a line. Ends with a line end. */
export function prettySxp(sxp: Sxp): string {
  return `${pretty(sxp, 0)}\n`
}

/** As Python writes a float: with a fraction, and 12 digits at most. */
export function float(value: number): string {
  const text = String(Number(value.toPrecision(12)))
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text
}

/** Bits of vCPUs, which may be more than a number holds. */
export function maskOf(vcpus: readonly number[]): string {
  return String(vcpus.reduce((mask, vcpu) => mask | (1n << BigInt(vcpu)), 0n))
}

function pretty(sxp: Sxp, column: number): string {
  const line = formatSxp(sxp)
  if (typeof sxp !== 'object' || column + line.length <= WIDTH) return line
  const [first, ...rest] = sxp
  const inner = column + INDENT
  const lines = rest.map((part) => `\n${' '.repeat(inner)}${pretty(part, inner)}`)
  return `(${first === undefined ? '' : pretty(first, column + 1)}${lines.join('')}\n${' '.repeat(column)})`
}

/** Quoted unless all of it may stand in an atom, as an empty text does. */
function atom(text: string): string {
  if (ATOM.test(text)) return text
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const bytes = Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte)
    const short = ESCAPES.get(byte)
    if (short !== undefined) return short
    if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).padStart(2, '0')}`
    return character === quote ? `\\${character}` : character
  })
  return `${quote}${bytes.join('')}${quote}`
}
