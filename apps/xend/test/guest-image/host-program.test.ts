import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { obtainPackage, obtainProgram, requireProgram } from '../../src/guest-image/host-program.ts'

async function withCache(use: (cache: string) => Promise<void>): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), 'paravane-cache-'))
  try {
    await use(cache)
  } finally {
    await rm(cache, { recursive: true })
  }
}

test('a program of a package is fetched with the libraries that are missing, and runs; the second time apt is not asked', async () => {
  await withCache(async (cache) => {
    const said: string[] = []
    const { path, environment } = await obtainProgram('mbuffer', 'mbuffer', (line) => said.push(line), cache)
    expect(path.startsWith(cache)).toBe(true)
    // A colon in its folder would part the folders of LD_LIBRARY_PATH.
    expect(path).not.toContain(':')
    const { stderr } = await promisify(execFile)(path, ['--version'], { env: { ...process.env, ...environment } })
    expect(stderr).toContain('mbuffer version')
    expect(said.some((line) => line.startsWith('fetching mbuffer '))).toBe(true)
    said.length = 0
    const again = await obtainPackage('mbuffer', (line) => said.push(line), cache)
    expect(path.startsWith(again)).toBe(true)
    expect(said).toEqual([])
  })
}, 60_000)

test('an installed program comes first', async () => {
  const { path } = await obtainProgram('dpkg', 'no-such-package', () => {})
  expect(path).toMatch(/\/dpkg$/)
})

test('a program that is not there: which package has it, and why it was not fetched', async () => {
  await expect(requireProgram('no-such-program', 'its-package')).rejects.toThrow(
    'this needs the program no-such-program; install it (Debian: apt install its-package)',
  )
  await withCache(async (cache) => {
    await expect(obtainProgram('no-such-program', 'no-such-package', () => {}, cache)).rejects.toThrow(
      /this needs the program no-such-program, which could not be fetched: apt offers no package no-such-package; .*; install it/,
    )
    await expect(obtainProgram('no-such-program', 'mbuffer', () => {}, cache)).rejects.toThrow(
      /mbuffer_[^ ]* has no program no-such-program/,
    )
  })
}, 60_000)
