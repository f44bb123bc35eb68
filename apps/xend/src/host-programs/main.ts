/** `npm run programs -- NAME...`: fetches programs that Paravane calls and this host has not, into the cache. */
import { CodedError } from '@paravane/core'
import { type ObtainableProgram, obtainPrograms, PROGRAM_PACKAGES } from './obtain-programs.ts'

const known = Object.keys(PROGRAM_PACKAGES)
const names = process.argv.slice(2)
const unknown = names.find((name) => !known.includes(name))
if (names.length === 0 || unknown !== undefined) {
  process.stderr.write(
    `programs: ${unknown === undefined ? 'name one' : `"${unknown}" is unknown`}: ${known.join(', ')}\n`,
  )
  process.exitCode = 2
} else {
  try {
    const folder = await obtainPrograms(names as ObtainableProgram[], (line) =>
      process.stderr.write(`programs: ${line}\n`),
    )
    process.stdout.write(`${folder}\n`)
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    process.stderr.write(`programs: ${error.message}\n`)
    process.exitCode = 1
  }
}
