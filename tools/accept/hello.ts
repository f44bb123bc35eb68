/** First light, point 10: the hello guest is made and runs where nothing can be downloaded. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliGuest } from './cli-guest.ts'
import { lastLine } from './debian-boot.ts'
import type { Outcome } from './point.ts'

const LIMIT_MS = 60_000
/** Whatever could fetch something: each is replaced by a program that notes it and fails. */
const FETCHERS = ['apt', 'apt-get', 'apt-cache', 'dpkg-deb', 'curl', 'wget', 'git', 'npm', 'npx']

export async function helloGuest(): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-hello-'))
  const note = join(folder, 'fetched')
  try {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    for (const name of FETCHERS) {
      writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} "$@" >>${note}\nexit 1\n`)
      chmodSync(join(bin, name), 0o755)
    }
    writeFileSync(note, '')
    const cache = join(folder, 'cache')
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, XDG_CACHE_HOME: cache }
    const faults = await converse(new CliGuest(['--guest', 'hello'], env))
    const fetched = readFileSync(note, 'utf8').trim()
    if (fetched !== '') faults.push(`it ran ${fetched.replaceAll('\n', ', ')}`)
    const made = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const value = `compiled into an empty cache (${made.length} file), greeted, echoed a line, powered off; no fetching program was run`
    return { pass: faults.length === 0, value: faults.length === 0 ? value : faults[0], faults }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function converse(guest: CliGuest): Promise<string[]> {
  try {
    await guest.shows('hello: ready', LIMIT_MS)
    guest.type('good day\n')
    await guest.shows('you said: good day', LIMIT_MS)
    guest.type('quit\n')
    const { status, stderr } = await guest.ends(LIMIT_MS)
    return status === 0 && stderr.includes(' powered off') ? [] : [`exit status ${status}: ${lastLine(stderr)}`]
  } catch (error) {
    return [(error as Error).message]
  } finally {
    await guest.kill()
  }
}
