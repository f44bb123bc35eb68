/** The code in the project's pages, so that tests can try it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

export interface CodeBlock {
  /** From the root, with the line of its fence: for messages. */
  readonly where: string
  readonly language: string
  readonly text: string
}

/** Every page that is written by hand or made from tables, from the root. */
export function pages(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : below(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
  return below('.').toSorted()
}

/** What is installed, built or generated. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'api', 'coverage', '.git', '.nx'])
const FENCE = /^( *)```(\S*)\s*$/

/** @param text of a page */
export function codeBlocks(page: string, text: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { indent: number; language: string; line: number; lines: string[] } | undefined
  for (const [n, line] of text.split('\n').entries()) {
    const [, indent, language] = FENCE.exec(line) ?? []
    if (open === undefined) {
      if (language !== undefined) open = { indent: indent?.length ?? 0, language, line: n + 1, lines: [] }
    } else if (language === '') {
      blocks.push({ where: `${page}:${open.line}`, language: open.language, text: open.lines.join('\n') })
      open = undefined
    } else open.lines.push(line.slice(open.indent))
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: a block of code that does not end`)
  return blocks
}

export function allCodeBlocks(): CodeBlock[] {
  return pages().flatMap((page) => codeBlocks(page, readFileSync(join(ROOT, page), 'utf8')))
}
