import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const GUESTS = fileURLToPath(new URL('../guests/', import.meta.url))

/** As the hello guest's: PFN n is mapped at n pages, the kernel begins at 1 MiB, and only integer registers are used. */
const FLAGS: readonly string[] = [
  ...['-m64', '-std=gnu11', '-O2', '-Wall', '-Werror', '-ffreestanding', '-fno-pie', '-fno-stack-protector'],
  ...['-fcf-protection=none', '-fno-asynchronous-unwind-tables', '-fno-strict-aliasing', '-mno-red-zone'],
  ...['-mgeneral-regs-only', '-nostdlib', '-static', '-no-pie', '-DSTACK_BYTES=32768'],
  ...['-Wl,--build-id=none', '-Wl,-z,max-page-size=4096', '-Wl,-z,noexecstack', '-Wl,-Ttext-segment=0x100000'],
]

/** The kernel of all facts of a folder of tools/guests, compiled now by `cc` or $CC. @throws Error if that fails */
export function compileGuest(folder: string): Uint8Array {
  const scratch = mkdtempSync(join(tmpdir(), 'paravane-guests-'))
  try {
    const facts = readdirSync(join(GUESTS, folder)).filter((file) => file.endsWith('.c'))
    const sources = ['runtime/head.S', 'runtime/runtime.c', ...facts.sort().map((file) => `${folder}/${file}`)]
    const output = join(scratch, 'guest.elf')
    execFileSync(process.env.CC || 'cc', [...FLAGS, ...sources, '-o', output], { cwd: GUESTS, stdio: 'pipe' })
    return readFileSync(output)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}
