/** First light, point 7: what cannot be started is refused in one line that says what to do, and leaves nothing behind. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { obtainHelloGuest } from '../../apps/xend/src/start/hello-guest.ts'
import { CliGuest } from './cli-guest.ts'
import { runMachine } from './machine/run-machine.ts'
import type { How, Outcome } from './point.ts'

const LIMIT_MS = 30_000

interface BadInput {
  readonly what: string
  readonly args: readonly string[]
  readonly status: number
  /** Of the one line: what is wrong, and the remedy. */
  readonly answer: RegExp
  /** Where the domain is asked of the hypervisor: what is asked. */
  readonly request?: { readonly kernel: string; readonly memory: number }
}

/** `#` in a kernel's notes: their owner, by which a kernel is known as Xen's. */
const OWNER = Buffer.from('Xen\0')
const NOT_THE_OWNER = Buffer.from('Nex\0')

async function cases(folder: string, { progress }: How): Promise<BadInput[]> {
  const debian = (await obtainDebianGuest({ progress })).kernel
  const hello = await obtainHelloGuest(progress)
  const file = (name: string): string => join(folder, name)
  const vmlinuz = readFileSync(debian)
  writeFileSync(file('truncated'), vmlinuz.subarray(0, vmlinuz.length >> 1))
  const elf = readFileSync(hello)
  writeFileSync(file('truncated.elf'), elf.subarray(0, elf.length >> 1))
  for (let at = elf.indexOf(OWNER); at >= 0; at = elf.indexOf(OWNER, at)) elf.set(NOT_THE_OWNER, at)
  writeFileSync(file('not-xen.elf'), elf)
  const small = { kernel: debian, memory: 8 }
  const named = (what: string, name: string, status: number, answer: RegExp, asked = true): BadInput => ({
    what,
    args: ['--kernel', file(name)],
    status,
    answer,
    ...(asked ? { request: { kernel: file(name), memory: 64 } } : {}),
  })
  return [
    named('a missing kernel', 'none', 1, /none: there is no such file; name a file that can be read$/, false),
    named('a truncated bzImage', 'truncated', 1, /^kernel truncated: .*; the file is damaged, install it again$/),
    named(
      'a truncated ELF file',
      'truncated.elf',
      1,
      /^kernel truncated\.elf: .*; the file is damaged, install it again$/,
    ),
    named(
      'a kernel that is not for Xen',
      'not-xen.elf',
      1,
      /not a Xen PV kernel: .*; use a kernel built with CONFIG_XEN_PV$/,
    ),
    { what: 'too little memory', args: ['--memory', '8'], status: 1, answer: /memory.*\d+ MiB/, request: small },
    { what: 'no memory', args: ['--memory', '0'], status: 1, answer: /--memory must be a whole number from 1 to \d+/ },
    {
      what: 'an unknown option',
      args: ['--memroy', '64'],
      status: 2,
      answer: /unknown option --memroy; `npm start -- --help`/,
    },
    {
      what: 'an unknown guest',
      args: ['--guest', 'minix'],
      status: 2,
      answer: /--guest must be debian, .* or hello, not minix/,
    },
  ]
}

export async function badInput(how: How): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-bad-input-'))
  try {
    const all = await cases(folder, how)
    const faults: string[] = []
    for (const each of all) faults.push(...(await refusedByCli(each)))
    const asked = all.flatMap(({ request }) => (request === undefined ? [] : [request]))
    const left = await runMachine<string>('refused.ts', [JSON.stringify(asked)], how.progress)
    faults.push(...left)
    const refused = `${all.length} kinds of bad input answered by one line with the remedy`
    const pass = faults.length === 0
    const value = `${refused}; after ${asked.length} of them nothing is left in the hypervisor or its store, and a guest boots`
    return { pass, value: pass ? value : `${faults.length} faults`, faults, facts: { cases: all.length } }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Lines of the CLI that say what it does, and are no errors. */
const PROGRESS = / \.\.\.$/

async function refusedByCli({ what, args, status, answer }: BadInput): Promise<string[]> {
  const guest = new CliGuest(args)
  try {
    const end = await guest.ends(LIMIT_MS)
    const lines = end.stderr.split('\n').filter((line) => line !== '' && !PROGRESS.test(line))
    const faults: string[] = []
    if (end.status !== status) faults.push(`${what}: exit status ${end.status}, not ${status}`)
    if (end.stdout !== '') faults.push(`${what}: it writes to the console: ${JSON.stringify(end.stdout.slice(0, 100))}`)
    const told = lines.length === 1 && answer.test(lines[0].replace(/^paravane: /, ''))
    if (!told) faults.push(`${what}: it says ${JSON.stringify(lines)}`)
    return faults
  } catch (error) {
    return [`${what}: ${(error as Error).message}`]
  } finally {
    await guest.kill()
  }
}
