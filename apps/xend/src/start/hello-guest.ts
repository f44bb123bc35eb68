import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CodedError } from '@paravane/core'
import { cacheFolder } from '../guest-image/cache-folder.ts'

const SOURCE_FOLDER = fileURLToPath(new URL('../../guests/hello/', import.meta.url))
const SOURCES = ['head.S', 'hello.c'] as const
const HEADERS = ['xen.h'] as const
/** Physical addresses are virtual ones here, and the kernel begins at 1 MiB; nothing but integer registers is used. */
export const COMPILER_FLAGS: readonly string[] = [
  ...[
    '-m64',
    '-std=gnu11',
    '-O2',
    '-Wall',
    '-ffreestanding',
    '-fno-pie',
    '-fno-stack-protector',
    '-fcf-protection=none',
  ],
  ...['-fno-asynchronous-unwind-tables', '-fno-strict-aliasing', '-mno-red-zone', '-mgeneral-regs-only'],
  ...[
    '-nostdlib',
    '-static',
    '-no-pie',
    '-Wl,--build-id=none',
    '-Wl,-z,max-page-size=4096',
    '-Wl,-Ttext-segment=0x100000',
  ],
]

/**
 * Path of the hello guest's kernel (guests/hello of this package), compiled on this machine when it is not in the cache.
 * @param cache folder for what can be made again; {@link cacheFolder} by default
 * @throws CodedError `CC_MISSING` or `CC_FAILED`
 */
export async function obtainHelloGuest(
  progress: (line: string) => void,
  cache: string = cacheFolder(),
  compiler: string = process.env.CC || 'cc',
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([COMPILER_FLAGS, compiler]))
  for (const file of [...SOURCES, ...HEADERS]) hash.update(await readFile(join(SOURCE_FOLDER, file)))
  const guests = join(cache, 'guests')
  const kernel = join(guests, `hello-${hash.digest('hex').slice(0, 12)}.elf`)
  if (await exists(kernel)) return kernel
  await mkdir(guests, { recursive: true })
  const scratch = await mkdtemp(join(guests, 'hello.making-'))
  try {
    progress('compiling the hello guest ...')
    const made = join(scratch, 'hello.elf')
    await compile(compiler, made)
    await rename(made, kernel)
    return kernel
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function compile(compiler: string, output: string): Promise<void> {
  try {
    await promisify(execFile)(compiler, [...COMPILER_FLAGS, ...SOURCES, '-o', output], { cwd: SOURCE_FOLDER })
  } catch (cause) {
    const { code, stderr } = cause as { code?: string | number; stderr?: string }
    if (code === 'ENOENT') {
      const message = `no C compiler ${compiler} on this machine; install one (Debian: apt install gcc) or set CC`
      throw new CodedError({ code: 'CC_MISSING', compiler }, message, { cause })
    }
    const reason = stderr?.split('\n').find((line) => /error/i.test(line)) ?? String(cause).split('\n')[0]
    const remedy = 'set CC to a C compiler for x86-64'
    throw new CodedError({ code: 'CC_FAILED', compiler }, `the hello guest does not compile: ${reason}; ${remedy}`, {
      cause,
    })
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
