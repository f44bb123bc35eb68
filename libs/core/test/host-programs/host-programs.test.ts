/** Which program is taken where there are several, or none. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HostPrograms } from '../../src/host-programs/host-programs.ts'
import { installedProgram, systemPath } from '../../src/host-programs/installed-program.ts'

const NAME = 'paravane-test-program'

let place: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'paravane-programs-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(place, { recursive: true })
})

/** A program that says `text`. @returns its folder */
function programIn(folder: string, text: string, name: string = NAME): string {
  const path = join(place, folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return dirname(path)
}

/** Marks a folder as the newest of a package. */
function unpacked(name: string): string {
  const folder = join(place, `${name}_1.0`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(place, `newest-${name}`), `${folder}\n`)
  return folder
}

async function said(name: string = NAME): Promise<string> {
  const { path, environment } = await new HostPrograms(place).need(name, 'a-package', 'xvda')
  return execFileSync(path, { env: { ...process.env, ...environment }, encoding: 'utf8' }).trim()
}

test("an installed program comes before an unpacked one, by the order of the user's PATH", async () => {
  unpacked('some')
  programIn('some_1.0/usr/bin', 'echo unpacked')
  expect(await said()).toBe('unpacked')
  const [first, second] = [programIn('first', 'echo first'), programIn('second', 'echo second')]
  vi.stubEnv('PATH', `${second}:${process.env.PATH}`)
  expect(await said()).toBe('second')
  vi.stubEnv('PATH', `${first}:${process.env.PATH}`)
  expect(await said()).toBe('first')
})

test('programs of root are found without a PATH that has them', async () => {
  vi.stubEnv('PATH', '/nowhere')
  expect((await installedProgram('ldconfig'))?.path).toMatch(/sbin\/ldconfig$/)
  vi.stubEnv('PATH', undefined)
  expect((await installedProgram('sh'))?.path).toMatch(/bin\/sh$/)
  expect(systemPath()).toBe('/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin')
})

test('what is no file that can be run, or lies in a folder without its whole path, is passed over', async () => {
  mkdirSync(join(place, 'folder', NAME), { recursive: true })
  writeFileSync(join(programIn('text', '', 'other'), NAME), 'text')
  const here = relative(process.cwd(), programIn('relative', ''))
  const folders = [join(place, 'folder'), join(place, 'text'), here, '', '.']
  vi.stubEnv('PATH', folders.join(delimiter))
  expect(await installedProgram(NAME)).toBeUndefined()
})

test('an unpacked program is started with the libraries and programs of all packages, behind what is installed', async () => {
  const [one, other] = [unpacked('one'), unpacked('other')]
  programIn('one_1.0/usr/sbin', 'echo $LD_LIBRARY_PATH; echo $QEMU_MODULE_DIR; helper; ls -d /')
  programIn('other_1.0/bin', 'echo helped', 'helper')
  programIn('other_1.0/bin', 'echo no ls of the host', 'ls')
  const libraries = [join(one, 'usr/lib/x86_64-linux-gnu'), join(other, 'lib/aarch64-linux-gnu')]
  const modules = join(other, 'lib/aarch64-linux-gnu/qemu')
  mkdirSync(libraries[0]!, { recursive: true })
  mkdirSync(modules, { recursive: true })
  vi.stubEnv('LD_LIBRARY_PATH', '/own')
  expect(await said()).toBe([[...libraries, '/own'].join(':'), modules, 'helped', '/'].join('\n'))
})

test('a program that is nowhere: for whom it is missed, and both ways to get it', async () => {
  const message = `xvda: ${NAME} is not on this machine; install Debian's package a-package`
  await expect(new HostPrograms().need(NAME, 'a-package', 'xvda')).rejects.toMatchObject({ message })
  await expect(new HostPrograms('/nowhere').need(NAME, 'a-package', 'xvda')).rejects.toMatchObject({
    message: `${message}, or fetch it without installing: npm run programs -- ${NAME}`,
  })
  // Its mark is left of a package that is gone.
  rmSync(unpacked('gone'), { recursive: true })
  expect(await new HostPrograms(place).find(NAME)).toBeUndefined()
})
