/** What is told to a user who is not root: of files, folders and groups that are not theirs. */
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runXm } from './xm-process.ts'

const COMMAND = fileURLToPath(new URL('../../src/daemon/command.ts', import.meta.url))
/** Root becomes nobody's user, whom every host has; others are that already. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined

let root: string
let own: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'paravane-other-'))
  own = join(root, 'own')
  await chmod(root, 0o711)
  await mkdir(own, { mode: 0o700 })
  if (user !== undefined) await chown(own, user.uid, user.gid)
})
afterAll(() => rm(root, { recursive: true }))

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PARAVANE_RUN: join(own, 'run'),
  PARAVANE_STATE: join(own, 'state'),
  PARAVANE_CONFIG: join(root, 'xend.cfg'),
  XDG_CACHE_HOME: join(own, 'cache'),
})
const xm = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runXm(args, { env: { ...environment(), ...env }, folder: '/', ...(user === undefined ? {} : { user }) })

test('a config file that may not be read', async () => {
  const file = join(root, 'secret.cfg')
  await writeFile(file, '')
  await chmod(file, 0)
  expect(await xm(['create', file])).toEqual({
    status: 1,
    stdout: '',
    stderr: `Error: the config file: cannot read ${file}: it may not be read; name a file that can be read\n`,
  })
})

test('a group that is not theirs to give a socket to', async () => {
  await writeFile(join(root, 'xend.cfg'), "group = 'root'\n")
  const args = ['--conditions=@paravane/source', COMMAND, 'start']
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { env: environment(), cwd: '/', ...user }, (error, _, stderr) =>
      resolve({ code: error?.code, stderr }),
    )
  })
  const why = `${own}/run cannot be given to it (EPERM); only root may name a group that it is not in`
  expect({ code, stderr }).toEqual({ code: 1, stderr: `Error: group root: ${why}\n` })
})

test('folders that they cannot write to', async () => {
  const closed = join(root, 'closed')
  await mkdir(closed, { mode: 0o500 })
  if (user !== undefined) await chmod(closed, 0o755)
  const { status, stdout } = await xm(['doctor'], { PARAVANE_STATE: join(closed, 'state') })
  expect(status).toBe(1)
  const remedy = 'set PARAVANE_STATE to another folder, or be its owner'
  expect(stdout).toContain(`fail folder: state  ${closed} cannot be written to; ${remedy}\n`)
})
