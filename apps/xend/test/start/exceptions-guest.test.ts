import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from './cli.ts'
import { DIFFERENCES } from './exceptions-guest-differences.ts'

/**
 * The guest of tools/guests/exceptions prints what its kernel is handed for each of some hundred exceptions, returns, segment loads and
 * breakpoints. Beside it is what it printed on Debian's xen-hypervisor-4.17-amd64, run in QEMU 10 without KVM.
 */
const FOLDER = fileURLToPath(new URL('../../../../tools/guests/exceptions/', import.meta.url))
const SOURCES = ['head.S', 'cases.S', 'main.c']
const FLAGS = [
  ...['-m64', '-std=gnu11', '-O2', '-ffreestanding', '-fno-pie', '-fno-stack-protector', '-fcf-protection=none'],
  ...['-fno-asynchronous-unwind-tables', '-fno-strict-aliasing', '-mno-red-zone', '-mgeneral-regs-only', '-nostdlib'],
  ...['-static', '-no-pie', '-Wl,--build-id=none', '-Wl,-z,max-page-size=4096', '-Wl,-Ttext-segment=0x100000'],
  ...['-Wl,--no-warn-rwx-segments'],
]
const LIMIT_MS = 300_000

/** Name of each test to what it said; lines without a name apart are whole. */
function byName(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && line !== 'exceptions: done')
  return new Map(
    lines.map((line) => {
      const end = line.search(/: ([A-Z]{2,3}|int\d+|event|failsafe|syscall|syscall32|sysenter)[ ([]/)
      return end < 0 ? [line, ''] : [line.slice(0, end), line.slice(end + 2)]
    }),
  )
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-exceptions-'))
})
afterAll(() => rm(folder, { recursive: true }))

test(
  'a guest is handed the same for every exception as on a real Xen, but where its processor was none of silicon',
  async () => {
    const kernel = join(folder, 'exceptions.elf')
    execFileSync('cc', [...FLAGS, ...SOURCES, '-o', kernel], { cwd: FOLDER })
    const { stdout, status } = await runCli(['--kernel', kernel, 'name=exceptions', 'memory=16', '--virtual-clock'])
    const real = byName(await readFile(join(FOLDER, 'real-xen-4.17.txt'), 'utf8'))
    const ours = byName(stdout)
    const differing = Object.fromEntries([...ours].filter(([name, said]) => real.get(name) !== said))
    expect(differing).toEqual(DIFFERENCES)
    expect([...real.keys()].filter((name) => !ours.has(name))).toEqual([])
    expect({ status, ended: stdout.endsWith('exceptions: done\r\n') }).toEqual({ status: 0, ended: true })
  },
  LIMIT_MS,
)
