import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { obtainHelloGuest } from '../../src/start/hello-guest.ts'
import { type CliOptions, type CliResult, runCli } from './cli.ts'

/** A guest of a few thousand instructions, on a machine that may be busy with other tests. */
const BOOT_LIMIT_MS = 300_000
const TIME = /\d\d:\d\d:\d\d UTC, \d+\.\d{3} s after Xen started/g
const TIMES = /(booted in|ran|CPU time) \d+\.\d\d s/g

let folder: string
let hello: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-boot-'))
  hello = await obtainHelloGuest(() => {})
})
afterAll(() => rm(folder, { recursive: true }))

/** What was said, without what differs from run to run. */
async function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult & { readonly last: string }> {
  const { status, stdout, stderr } = await runCli(args, options)
  const lines = stderr.trimEnd().split('\n')
  const last = lines.at(-1)?.replaceAll(TIMES, '$1 N s') ?? ''
  return { status, stdout: stdout.replaceAll(TIME, 'TIME'), stderr, last }
}

test(
  'the hello guest greets, tells the time, echoes and powers off',
  async () => {
    const { status, stdout, last } = await run(['--guest', 'hello'], { input: 'hi there\ntime\n\nquit\n' })
    expect(stdout.split('\r\n')).toEqual([
      'Hello from a paravirtual guest on Xen 4.17 (xen-3.0-x86_64) with 8 MiB.',
      'It is TIME',
      'Lines are echoed; "time" tells the time, "quit" powers off.',
      'hello: ready',
      '> hi there',
      'you said: hi there',
      '> time',
      'TIME',
      '> ',
      '> quit',
      'Good bye.',
      '',
    ])
    expect(last).toBe('paravane: hello powered off: booted in N s, ran N s, guest CPU time N s')
    expect(status).toBe(0)
  },
  BOOT_LIMIT_MS,
)

test(
  'input longer than the console ring reaches the guest whole and in order',
  async () => {
    const said = Array.from({ length: 400 }, (_, n) => `line ${n}`)
    const { status, stdout } = await run(['--guest', 'hello'], { input: `${said.join('\n')}\nquit\n` })
    expect([...stdout.matchAll(/you said: (.*)\r\n/g)].map(([, line]) => line)).toEqual(said)
    expect(status).toBe(0)
  },
  BOOT_LIMIT_MS,
)

test(
  'the same without regions, with more vCPUs, threads and memory, under another name',
  async () => {
    const args = ['--guest', 'hello', '--no-regions', '--vcpus', '2', '--pcpus', '2', '--memory', '64', 'name=other']
    const { status, stdout, last } = await run(args, { input: 'quit\n' })
    expect(stdout).toMatch(/^Hello from a paravirtual guest on Xen 4\.17 \(xen-3\.0-x86_64\) with 64 MiB\.\r\n/)
    expect(last).toMatch(/^paravane: other powered off: /)
    expect(status).toBe(0)
  },
  BOOT_LIMIT_MS,
)

test(
  'under the virtual clock a run prints the same, with and without regions',
  async () => {
    const args = ['--guest', 'hello', '--virtual-clock']
    const first = await runCli(args, { input: 'quit\n' })
    expect(first.stdout).toMatch(/^It is 00:00:00 UTC, 0\.000 s after Xen started\r$/m)
    for (const more of [[], ['--no-regions'], ['--pcpus', '2']]) {
      const { status, stdout } = await runCli([...args, ...more], { input: 'quit\n' })
      expect({ status, stdout }).toEqual({ status: 0, stdout: first.stdout })
    }
  },
  BOOT_LIMIT_MS,
)

test(
  'a signal ends the guest and says so',
  async () => {
    const { status, last } = await run(['--guest', 'hello'], { signalAt: ['hello: ready', 'SIGTERM'] })
    expect(last).toMatch(/^paravane: hello was destroyed on SIGTERM: /)
    expect(status).toBe(128 + 15)
  },
  BOOT_LIMIT_MS,
)

test(
  'a guest that crashes is told apart by the exit status',
  async () => {
    const kernel = join(folder, 'crash.elf')
    const source = fileURLToPath(new URL('crash.S', import.meta.url))
    execFileSync('cc', ['-nostdlib', '-static', '-no-pie', '-Wl,-Ttext-segment=0x100000', source, '-o', kernel])
    const { status, stdout, last } = await run(['--kernel', kernel, 'name=crash', 'memory=8'])
    expect(last).toMatch(/^paravane: crash crashed \(.+\): ran N s, guest CPU time N s$/)
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' })
  },
  BOOT_LIMIT_MS,
)

test(
  'a kernel that cannot be booted is refused in one line with the remedy',
  async () => {
    const whole = await readFile(hello)
    const foreign = Buffer.from(whole)
    for (let at = foreign.indexOf('Xen\0'); at >= 0; at = foreign.indexOf('Xen\0')) foreign.write('Zen', at)
    await writeFile(join(folder, 'text'), 'no kernel at all')
    await writeFile(join(folder, 'cut.elf'), whole.subarray(0, whole.length / 2))
    await writeFile(join(folder, 'foreign.elf'), foreign)
    const refusals: readonly (readonly [args: string, answer: RegExp])[] = [
      ['--kernel text', /^kernel text: neither an ELF file nor a bzImage; give a Linux vmlinuz or vmlinux, /],
      ['--kernel cut.elf', /^kernel cut\.elf: truncated: .*; the file is damaged, install it again$/],
      ['--kernel foreign.elf', /^kernel foreign\.elf: not a Xen PV kernel: .*; use a kernel built with CONFIG_XEN_PV$/],
      ['--guest hello --memory 1', /^memory=1 is too small: kernel hello-.* needs at least 4 MiB$/],
    ]
    for (const [args, answer] of refusals) {
      const { status, stdout, last } = await run(args.replace('--kernel ', `--kernel ${folder}/`).split(' '))
      expect(last.replace('paravane: ', '')).toMatch(answer)
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    }
  },
  BOOT_LIMIT_MS,
)
