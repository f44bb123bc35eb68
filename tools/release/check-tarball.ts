/** What publint and are-the-types-wrong find wrong with a packed package. */
import { readFile } from 'node:fs/promises'
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/** The packages are ES modules and nothing else: how older ways of looking for modules fare is no fault. */
const ESM_ONLY_IGNORES: ReadonlySet<string> = new Set(['node10', 'node16-cjs'])

/** A line each; empty when all is well. */
export async function tarballFaults(tarball: string): Promise<string[]> {
  const bytes = await readFile(tarball)
  return [...(await publintFaults(bytes)), ...(await typeFaults(bytes))]
}

async function publintFaults(bytes: Buffer): Promise<string[]> {
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, level: 'suggestion' })
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
}

async function typeFaults(bytes: Uint8Array): Promise<string[]> {
  const result = await checkPackage(createPackageFromTarballData(bytes))
  if (!result.types) return ['are the types wrong: it has none']
  return result.problems.filter(counts).map((problem) => `are the types wrong: ${inWords(problem)}`)
}

function counts(problem: Problem): boolean {
  if ('resolutionKind' in problem) return !ESM_ONLY_IGNORES.has(problem.resolutionKind)
  // Of a module as `require` sees it.
  return !('resolutionOption' in problem && problem.resolutionOption === 'node10')
}

function inWords(problem: Problem): string {
  if ('entrypoint' in problem) return `${problem.kind} of ${problem.entrypoint} (${problem.resolutionKind})`
  const where = 'fileName' in problem ? problem.fileName : problem.typesFileName
  const what = 'moduleSpecifier' in problem ? ` ${problem.moduleSpecifier} (${problem.resolutionOption})` : ''
  return `${problem.kind} in ${where}${what}`
}
