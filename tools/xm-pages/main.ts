/** Writes xm's manual pages and docs/xm.md anew. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMMANDS } from '../../apps/xend/src/xm/commands.ts'
import { commandManual, overviewManual } from './man.ts'
import { xmPage } from './markdown.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
export const MAN: string = join(root, 'apps/xend/man')
export const PAGE: string = join(root, 'docs/xm.md')

/** Every manual page by its file's name. */
export function manuals(): ReadonlyMap<string, string> {
  return new Map([
    ['xm.1', overviewManual(COMMANDS)],
    ...COMMANDS.map((command): [string, string] => [`xm-${command.name}.1`, commandManual(command)]),
  ])
}

if (import.meta.main) {
  mkdirSync(MAN, { recursive: true })
  const pages = manuals()
  for (const name of readdirSync(MAN)) if (!pages.has(name)) rmSync(join(MAN, name))
  for (const [name, text] of pages) writeFileSync(join(MAN, name), text)
  writeFileSync(PAGE, xmPage(COMMANDS))
  console.log(`${pages.size} manual pages and docs/xm.md`)
}
