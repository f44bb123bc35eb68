import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../apps/xend/src/xm/commands.ts'
import { MAN, manuals, PAGE } from '../xm-pages/main.ts'
import { commandManual, plain } from '../xm-pages/man.ts'
import { xmPage } from '../xm-pages/markdown.ts'

const isHere = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))
/** Without the padding that the formatter gives tables. */
const unpadded = (page: string): string => page.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

test('the manual pages are current: npm run xm-pages', () => {
  const there = new Map(readdirSync(MAN).map((name) => [name, readFileSync(join(MAN, name), 'utf8')]))
  expect(Object.fromEntries(there)).toEqual(Object.fromEntries(manuals()))
})

test('docs/xm.md is current: npm run xm-pages', () => {
  expect(unpadded(readFileSync(PAGE, 'utf8'))).toBe(unpadded(xmPage(COMMANDS)))
})

const lints: readonly (readonly string[])[] = [
  ['mandoc', '-T', 'lint', '-W', 'warning'],
  ['groff', '-mandoc', '-Tutf8', '-ww', '-z'],
]
for (const [program, ...args] of lints as [string, ...string[]][]) {
  if (!isHere(program)) continue
  test(`${program} finds nothing wrong with a page`, () => {
    const files = [...manuals().keys()].map((name) => join(MAN, name))
    const { stdout, stderr } = spawnSync(program, [...args, ...files], { encoding: 'utf8' })
    expect(stdout + stderr).toBe('')
  })
}

test('what a page says is what is shown, whatever it begins with', () => {
  expect(plain('.Sh of \\n')).toBe('\\&.Sh of \\en')
  expect(plain("'quoted' - it")).toBe("\\&'quoted' \\- it")
})

if (isHere('man')) {
  test('man shows a command with its usage, options and exit status', () => {
    const shown = execFileSync('man', ['-l', join(MAN, 'xm-sched-credit.1')], {
      encoding: 'utf8',
      env: { ...process.env, MANPAGER: 'cat', MANWIDTH: '100', LC_ALL: 'C' },
    })
    expect(shown).toContain('xm sched-credit [-d <Domain> [-w[=WEIGHT]|-c[=CAP]]]')
    expect(shown).toMatch(/-d, --domain DOMAIN\n\s+Domain to modify, or to show\./)
    expect(shown).toMatch(/3\s+There is no such domain\./)
  })
}

test('every command has a page with its summary', () => {
  for (const command of COMMANDS)
    expect(commandManual(command)).toContain(plain(command.summary.split('. ')[0] as string))
})
