import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { unitText } from '../../src/daemon/unit.ts'

const init = { of: 'user', node: process.execPath, nodeArgs: ['--conditions=@paravane/source'], env: {} } as const
const line = (text: string, key: string): string | undefined =>
  text
    .split('\n')
    .find((each) => each.startsWith(`${key}=`))
    ?.slice(key.length + 1)

test('a restart of the service leaves the guests alone, and it comes back when it was killed', () => {
  for (const manager of ['user', 'system'] as const) {
    const text = unitText({ ...init, of: manager })
    expect(line(text, 'KillMode')).toBe('process')
    expect(line(text, 'OOMPolicy')).toBe('continue')
    expect(line(text, 'Restart')).toBe('on-failure')
    expect(line(text, 'WantedBy')).toBe(manager === 'user' ? 'default.target' : 'multi-user.target')
  }
})

test('it starts this xend, in the folders that are named', async () => {
  const text = unitText({ ...init, env: { PARAVANE_RUN: '/run/other "one" 100%', PARAVANE_STATE: '' } })
  const [, program] = / "([^"]+)"$/.exec(line(text, 'ExecStart') ?? '') ?? []
  expect(await readFile(program as string, 'utf8')).toContain('/** xend: ')
  expect(line(text, 'ExecStart')).toContain(`"${process.execPath}" "--conditions=@paravane/source" `)
  expect(text.match(/^Environment=.*$/gm)).toEqual(['Environment="PARAVANE_RUN=/run/other \\"one\\" 100%%"'])
})

const hasSystemd = await promisify(execFile)('systemd-analyze', ['--version']).then(
  () => true,
  () => false,
)

test.runIf(hasSystemd)('systemd takes it, wherever it is installed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paravane-unit-'))
  const strange = join(folder, 'a b $HOME 100%n')
  await mkdir(strange)
  await symlink(process.execPath, join(strange, 'node'))
  for (const manager of ['user', 'system'] as const) {
    const file = join(folder, 'xend.service')
    await writeFile(
      file,
      unitText({ ...init, of: manager, node: join(strange, 'node'), env: { PARAVANE_RUN: strange } }),
    )
    const verified = await promisify(execFile)('systemd-analyze', [`--${manager}`, '--man=no', 'verify', file], {
      env: { ...process.env, XDG_RUNTIME_DIR: folder },
    })
    expect(`${verified.stdout}${verified.stderr}`.split('\n').filter((said) => said.includes('xend'))).toEqual([])
  }
  await rm(folder, { recursive: true })
})
