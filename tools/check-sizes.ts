/** Fails on a TypeScript file that has grown past its limit. Tables and generated files may be long. */
import { readFileSync } from 'node:fs'
import { sourceFiles } from './source-files.ts'

const LINE_LIMIT = 400

const isTable = (path: string): boolean => /(^|[/\-.])(tables?|generated)([/\-.]|$)/.test(path)

/** The files of `folders` over the limit, as `path: N lines`. */
export function oversizedFiles(folders: readonly string[], limit: number = LINE_LIMIT): string[] {
  return folders
    .flatMap(sourceFiles)
    .filter((path) => !isTable(path))
    .map((path) => ({ path, lines: readFileSync(path, 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > limit)
    .map(({ path, lines }) => `${path}: ${lines} lines, the limit is ${limit}`)
}

if (import.meta.main) {
  const offenders = oversizedFiles(['libs', 'apps', 'tools'])
  for (const offender of offenders) console.error(offender)
  process.exitCode = offenders.length > 0 ? 1 : 0
}
