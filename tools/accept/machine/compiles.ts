import { readFileSync } from 'node:fs'

/** Name of the variable that names the file that count-compiles.mjs writes. */
export const COMPILES = 'PARAVANE_COMPILES'

/** Modules compiled between two times in ms since the epoch, by any thread of this process. */
export function compilesBetween(begin: number, end: number): number {
  const lines = readFileSync(process.env[COMPILES] as string, 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map((line) => Number(line.split(' ')[0])).filter((ms) => ms >= begin && ms < end).length
}
