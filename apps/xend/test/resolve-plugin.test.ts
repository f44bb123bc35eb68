import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolvePlugin } from '../src/resolve-plugin.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paravane-plugins-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A package that was installed in the folder, as its author may have written its manifest. */
function installed(name: string, exports: unknown): string {
  const home = join(folder, 'node_modules', name)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name, type: 'module', exports }))
  writeFileSync(join(home, 'index.js'), 'export default {}\n')
  return pathToFileURL(join(home, 'index.js')).href
}

test.each([
  ['@acme/sched-a', './index.js'],
  ['@acme/sched-b', { '.': { import: './index.js' } }],
  ['@acme/sched-c', { '.': { types: './index.d.ts', default: './index.js' } }],
])('%s is found beside the file that names it', (name, exports) => {
  const url = installed(name, exports)
  expect(resolvePlugin(name, folder)).toBe(url)
})

test('our own packages are found wherever they are named', () => {
  expect(resolvePlugin('@paravane/sched-credit', folder)).toMatch(/sched-credit\/src\/index\.ts$/)
})

test('what is in neither place is named', () => {
  expect(() => resolvePlugin('@acme/none', folder)).toThrow(/@acme\/none/)
})
