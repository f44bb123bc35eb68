import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeBlocks, ROOT } from '../docs/code-blocks.ts'
import { build, type Packed, pack } from '../release/pack.ts'
import { releasePackages } from '../release/packages.ts'

const run = promisify(execFile)
const NPM_QUIET = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']

/** In a process of its own: vitest would have it run the sources of are-the-types-wrong. */
async function tarballFaults(tarball: string): Promise<string[]> {
  const program = `import { tarballFaults } from '${join(ROOT, 'tools/release/check-tarball.ts')}'
    console.log(JSON.stringify(await tarballFaults(process.argv[1])))`
  const { stdout } = await run('node', ['--input-type=module', '-e', program, tarball])
  return JSON.parse(stdout)
}

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'paravane-release-'))
})
afterAll(() => rm(scratch, { recursive: true }))

describe('a package that is packed', () => {
  const good = { '.': { types: './index.d.ts', default: './index.js' } }
  const files = { 'index.js': 'export const one = 1\n', 'index.d.ts': 'export declare const one: number\n' }

  async function packed(name: string, exports: unknown, contents: Record<string, string> = files): Promise<string> {
    const folder = join(scratch, name)
    await mkdir(folder)
    const manifest = { name, version: '1.0.0', license: 'MIT', type: 'module', files: ['index.*'], exports }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    for (const [file, text] of Object.entries(contents)) await writeFile(join(folder, file), text)
    return (await pack({ folder, name, version: '1.0.0' }, scratch)).tarball
  }

  test.each([
    ['well-made', good, files, []],
    [
      'no-such-file',
      { '.': './other.js' },
      files,
      [/publint.*other\.js/, 'NoResolution of . (node16-esm)', 'NoResolution of . (bundler)'],
    ],
    ['default-first', { '.': { default: './index.js', types: './index.d.ts' } }, files, [/types should be/, /last/]],
    ['no-types', { '.': './index.js' }, { 'index.js': files['index.js'] }, ['it has none']],
    [
      'types-that-miss-some',
      good,
      { ...files, 'index.d.ts': "export * from './missing.js'\n" },
      [/InternalResolutionError in .*index\.d\.ts \.\/missing\.js \(node16\)/, /missing\.js \(bundler\)/],
    ],
  ])('%s', async (name, exports, contents, expected) => {
    const faults = await tarballFaults(await packed(name, exports, contents))
    expect(faults).toEqual(
      expected.map((fault) =>
        typeof fault === 'string' ? `are the types wrong: ${fault}` : expect.stringMatching(fault),
      ),
    )
  })
})

test('nothing is published', async () => {
  await expect(run('node', ['tools/release/main.ts'], { cwd: ROOT })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no registry has been decided on; add --dry-run'),
  })
})

/** The only program of the page that has the word. */
async function programWith(word: string, page: string): Promise<string> {
  const blocks = codeBlocks(page, await readFile(join(ROOT, page), 'utf8'))
  const found = blocks.filter(({ language, text }) => language === 'ts' && text.includes(word))
  expect(found, `programs of ${page} with ${word}`).toHaveLength(1)
  return found[0]!.text
}

describe('somebody who installs the packages of a release', () => {
  let home: string
  let packages: readonly Packed[]

  beforeAll(async () => {
    const found = releasePackages(ROOT)
    await build(ROOT, found)
    packages = []
    for (const it of found) packages = [...packages, await pack(it, join(scratch, 'tarballs'))]
    home = join(scratch, 'stranger')
    await mkdir(home)
    await writeFile(join(home, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }')
    await cp(join(ROOT, 'examples/round-robin'), join(home, 'round-robin'), { recursive: true })
    const tarballs = packages.map(({ tarball }) => tarball)
    await run('npm', ['install', ...NPM_QUIET, ...tarballs, './round-robin'], { cwd: home })
  })

  /** Writes the program, has its types checked against the packages', and answers what it prints. */
  async function outputOf(program: string, name: string): Promise<string> {
    await writeFile(join(home, name), program)
    await mkdir(join(home, 'node_modules/@types'), { recursive: true })
    await symlink(join(ROOT, 'node_modules/@types/node'), join(home, 'node_modules/@types/node')).catch(() => {})
    const strict = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node', name]
    await run(join(ROOT, 'node_modules/.bin/tsc'), strict, { cwd: home })
    const { stdout, stderr } = await run(process.execPath, [name], { cwd: home })
    expect(stderr).toBe('')
    return stdout
  }

  test('gets packages that publint and are-the-types-wrong find no fault with, each with a README and a licence', async () => {
    expect(packages.map(({ name }) => name)).toEqual([
      '@paravane/core',
      '@paravane/cpu-x86',
      '@paravane/dev-blk',
      '@paravane/dev-net',
      '@paravane/sched-credit',
      '@paravane/xend',
    ])
    for (const { name, tarball, files } of packages) {
      expect([name, await tarballFaults(tarball)]).toEqual([name, []])
      expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'package.json', 'dist/index.js']))
      expect(files.filter((file) => /tsbuildinfo|\.test\./.test(file))).toEqual([])
    }
  })

  test("runs the README's ten lines", async () => {
    const program = await programWith('GuestShell', 'README.md')
    expect(program.split('\n').filter((line) => line.trim() !== '')).toHaveLength(10)
    expect(await outputOf(program, 'ten-lines.ts')).toMatch(/^Linux \S+-cloud-amd64\nexit status 0\n$/)
  })

  test('runs guests under a scheduler that passes the suite', async () => {
    const { stdout } = await run(process.execPath, ['--test'], { cwd: join(home, 'round-robin') })
    expect(stdout).toMatch(/^ℹ pass 16$/m)
    expect(stdout).toMatch(/^ℹ fail 0$/m)
    const program = await programWith('paravane-sched-round-robin', 'docs/howto/write-a-plugin.md')
    expect(await outputOf(program, 'round-robin.ts')).toMatch(/^one: 5050\nother: 5050\n$/)
  })

  test('has xend and xm, which run guests under that scheduler when the configuration says so', async () => {
    const env = { ...process.env, PARAVANE_RUN: join(scratch, 'run'), PARAVANE_STATE: join(scratch, 'state') }
    const program = (name: string, ...args: string[]): Promise<{ stdout: string }> =>
      run(join(home, 'node_modules/.bin', name), args, { cwd: home, env })
    await writeFile(join(home, 'xend.cfg'), "sched = 'round-robin'\nplugins = ['paravane-sched-round-robin']\n")
    await program('xend', 'start', '--config', 'xend.cfg')
    try {
      await program('xm', 'create', '--guest', 'hello', 'node_modules/@paravane/xend/guests/hello.cfg')
      expect((await program('xm', 'list')).stdout).toMatch(/^hello +1 +8 +1 /m)
      expect((await program('xm', 'info')).stdout).toMatch(/^xen_scheduler +: round-robin$/m)
    } finally {
      await program('xend', 'stop', '--guests')
    }
  })
})
