/** What pages show can be done: commands exist, programs compile, configs are read, links lead somewhere. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readDomainConfig } from '../../apps/xend/src/config/domain-config.ts'
import { readSettings } from '../../apps/xend/src/config/settings.ts'
import { judgeSettings, settingsOf } from '../../apps/xend/src/settings/read-settings.ts'
import { allCodeBlocks, type CodeBlock, codeBlocks, pages, ROOT } from '../docs/code-blocks.ts'
import { faultOf } from '../docs/known-commands.ts'
import { simpleCommands } from '../docs/shell-words.ts'

const blocks = allCodeBlocks()
const inLanguage = (...languages: readonly string[]): CodeBlock[] =>
  blocks.filter(({ language }) => languages.includes(language))
const isXendConfig = ({ text }: CodeBlock): boolean => text.startsWith('# xend.cfg')
/** Beside the packages, where their names mean what they mean in the workspace. */
const folder = join(ROOT, 'node_modules/.cache/paravane-docs')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('each block of code is of a kind that is tried', () => {
  const tried = new Set(['sh', 'ts', 'js', 'python', 'json', ''])
  expect(blocks.filter(({ language }) => !tried.has(language)).map(({ where }) => where)).toEqual([])
})

test('commands that pages show are there', () => {
  const faults = inLanguage('sh').flatMap(({ where, text }) =>
    simpleCommands(text).flatMap((words) => {
      const fault = faultOf(words)
      return fault === undefined ? [] : [`${where}: ${words.join(' ')}: ${fault}`]
    }),
  )
  expect(faults).toEqual([])
})

test('programs that pages show compile', () => {
  mkdirSync(folder, { recursive: true })
  const wheres = inLanguage('ts').map(({ where, text }, n) => {
    writeFileSync(join(folder, `block-${n}.ts`), `${text}\nexport {}\n`)
    return where
  })
  const options = { extends: '../../../tsconfig.base.json', compilerOptions: { noEmit: true }, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options))
  if (wheres.length === 0) return
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8', cwd: folder })
  expect(stdout.replaceAll(/block-(\d+)\.ts/g, (_, n) => wheres[Number(n)] ?? '')).toBe('')
})

test('what pages show of the example of a plugin stands there', () => {
  const flat = (text: string): string => text.replaceAll(/^ +/gm, '')
  const example = ['index.js', 'test.js'].map((file) =>
    flat(readFileSync(join(ROOT, 'examples/round-robin', file), 'utf8')),
  )
  const others = inLanguage('js').filter(({ text }) => !example.some((file) => file.includes(flat(text))))
  expect(others.map(({ where }) => where)).toEqual([])
})

test('configs that pages show are read, with keys that are known', () => {
  for (const { where, text } of inLanguage('python').filter((block) => !isXendConfig(block))) {
    const warnings: string[] = []
    const given = text.includes('vmid') ? [{ key: 'vmid', value: '7' }] : []
    expect(() => readDomainConfig(readSettings(text, where, given), (line) => warnings.push(line))).not.toThrow()
    expect(warnings).toEqual([])
  }
})

test("xend's own configs that pages show are read, with keys that are known", () => {
  const shown = inLanguage('python').filter(isXendConfig)
  expect(shown.length).toBeGreaterThan(0)
  for (const { where, text } of shown) expect(judgeSettings(settingsOf(text, where)).warnings).toEqual([])
})

test('JSON that pages show is JSON', () => {
  for (const { text } of inLanguage('json')) expect(() => JSON.parse(text)).not.toThrow()
})

test('links between pages lead to pages', () => {
  const dead = pages().flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
    return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
      .map((target) => `${page}: ${target}`)
  })
  expect(dead).toEqual([])
})

test('the reference of the API is made without a warning', () => {
  const { status, stdout, stderr } = spawnSync(
    join(ROOT, 'node_modules/.bin/typedoc'),
    ['--emit', 'none', '--treatWarningsAsErrors', '--logLevel', 'Warn'],
    { encoding: 'utf8', cwd: ROOT },
  )
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
})

test('a block is found with its line, and its indentation taken off', () => {
  const page = 'text\n\n- item\n  ```sh\n  npm start\n    --x\n  ```\n```\nplain\n```\n'
  expect(codeBlocks('a.md', page)).toEqual([
    { where: 'a.md:4', language: 'sh', text: 'npm start\n  --x' },
    { where: 'a.md:8', language: '', text: 'plain' },
  ])
  expect(() => codeBlocks('a.md', '```sh\nnpm start\n')).toThrow('a.md:1: a block of code that does not end')
})

test.each<[string, string[][]]>([
  ['npm start   # comment', [['npm', 'start']]],
  ['A=1 B=2 xm list --json >rows.json 2>&1', [['xm', 'list', '--json']]],
  [
    "echo 'a | b; c' | npm start && xm list",
    [
      ['echo', 'a | b; c'],
      ['npm', 'start'],
      ['xm', 'list'],
    ],
  ],
  ['xm create "my file.cfg" name=a#b \\\n  -p', [['xm', 'create', 'my file.cfg', 'name=a#b', '-p']]],
])('the commands of %j', (script, commands) => {
  expect(simpleCommands(script)).toEqual(commands)
})

test.each([
  ['npm run nothing', 'package.json has no script nothing'],
  ['npm start --guest hello', 'npm takes --guest for itself: write -- before it'],
  ['npm start -- --frob', /unknown option --frob/],
  ['npm run --silent xm -- list --frob', 'xm list has no --frob'],
  ['xm create -cpz a.cfg', 'xm create has no -z'],
  ['xm frob', 'xm has no frob'],
  ['xend frob', 'xend has no frob'],
  ['node tools/none.ts', 'there is no tools/none.ts'],
  ['frob', 'frob is not known here'],
])('%s is found wrong', (command, fault) => {
  expect(faultOf(simpleCommands(command)[0] as string[])).toMatch(fault)
})
