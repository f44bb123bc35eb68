import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { layerFaults } from '../check-layers.ts'
import { oversizedFiles } from '../check-sizes.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'paravane-layers-'))
  put({
    'libs/core/package.json': '{ "name": "@paravane/core" }',
    'libs/disk/package.json': '{ "name": "@paravane/disk", "peerDependencies": { "@paravane/core": "^0.1.0" } }',
    'apps/xend/package.json': '{ "name": "@paravane/xend", "dependencies": { "@paravane/disk": "^0.1.0" } }',
  })
})
afterEach(() => rmSync(root, { recursive: true }))

function put(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

test('a lib may import core and itself, an app what it lists', () => {
  put({
    'libs/disk/src/index.ts':
      "import { a } from '@paravane/core/abi'\nimport './b.ts'\nimport { readFile } from 'node:fs'\n",
    'apps/xend/src/main.ts': "export * from '@paravane/disk'\n",
  })
  expect(layerFaults(root)).toEqual([])
})

const disk = 'libs/disk/src/a.ts'
test.each([
  [
    'libs/core/src/a.ts',
    "import type { D } from '@paravane/disk'",
    'imports @paravane/disk; a lib imports @paravane/core only',
  ],
  [disk, "const d = await import('@paravane/net')", 'imports @paravane/net; a lib imports @paravane/core only'],
  [disk, "import {\n  x,\n} from '../../core/src/a.ts'", 'imports ../../core/src/a.ts, which is outside its package'],
  [
    'libs/disk/test/a.test.ts',
    "import '../../../apps/xend/src/a.ts'",
    'imports ../../../apps/xend/src/a.ts, which is outside its package',
  ],
  ['apps/xend/src/a.ts', "import '@paravane/core'", 'imports @paravane/core, which its package.json does not list'],
])('%s: %s', (path, text, fault) => {
  put({ [path]: text })
  expect(layerFaults(root)).toEqual([`${path}: ${fault}`])
})

test('a lib that lists another lib is refused, and an export without its file', () => {
  put({
    'libs/disk/package.json': JSON.stringify({
      name: '@paravane/disk',
      devDependencies: { '@paravane/net': '*' },
      exports: { '.': { '@paravane/source': './src/index.ts' }, './x': { default: './dist/x.js' } },
    }),
  })
  expect(layerFaults(root)).toEqual([
    'libs/disk/package.json: a lib depends on @paravane/core only, not on @paravane/net',
    'libs/disk/package.json: the export "." names ./src/index.ts, which does not exist',
    'libs/disk/package.json: the export "./x" lacks the condition @paravane/source',
  ])
})

test('long files are named unless they are tables or generated', () => {
  const long = 'x\n'.repeat(11)
  put({
    'src/long.ts': long,
    'src/short.ts': 'x\n'.repeat(10),
    'src/insn/table.ts': long,
    'src/table/alu.ts': long,
    'src/schema.generated.ts': long,
    'src/notable.ts': long,
    'node_modules/a.ts': long,
  })
  expect(oversizedFiles([root], 10)).toEqual(
    ['src/long.ts', 'src/notable.ts'].map((path) => `${join(root, path)}: 11 lines, the limit is 10`),
  )
})
