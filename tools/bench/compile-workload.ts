import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { exists } from '../../apps/xend/src/guest-image/image-files.ts'

const SOURCES = fileURLToPath(new URL('workload/', import.meta.url))
/** Nothing of this machine's processor: the code has to be the same on all. */
const FLAGS = ['-std=gnu11', '-O2', '-march=x86-64', '-mtune=generic']
/** Whether the program is at one address always, or at another each time it is started. */
const PLACES = { fixed: ['-static', '-no-pie'], moving: ['-static-pie', '-fPIE'] } as const
export type CodePlace = keyof typeof PLACES

export interface Workload {
  /** Path of a static program for any x86-64 Linux. */
  readonly path: string
  /** The compiler, its version and its flags. */
  readonly compiler: string
}

/** Compiles tools/bench/workload where that is not in the cache yet. @throws Error what the compiler said */
export async function compileWorkload(progress: (line: string) => void, place: CodePlace = 'fixed'): Promise<Workload> {
  const flags = [...FLAGS, ...PLACES[place]]
  const compiler = process.env.CC || 'cc'
  const version = (await run(compiler, ['--version'])).split('\n', 1)[0]
  const files = (await readdir(SOURCES)).sort()
  const hash = createHash('sha256').update(JSON.stringify([version, flags]))
  for (const file of files) hash.update(file).update(await readFile(join(SOURCES, file)))
  const folder = join(cacheFolder(), 'bench')
  const path = join(folder, `workload-${hash.digest('hex').slice(0, 12)}`)
  if (!(await exists(path))) {
    progress('compiling the workload ...')
    await mkdir(folder, { recursive: true })
    const scratch = await mkdtemp(join(folder, 'making-'))
    try {
      const made = join(scratch, 'workload')
      await run(compiler, [...flags, ...files.filter((file) => file.endsWith('.c')), '-o', made, '-lm'])
      await rename(made, path)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
  return { path, compiler: `${version}, ${flags.join(' ')}` }
}

async function run(compiler: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(compiler, args, { cwd: SOURCES })).stdout
  } catch (cause) {
    const { stderr } = cause as { stderr?: string }
    const why = stderr?.split('\n').find((line) => /error/i.test(line)) ?? String(cause)
    throw new Error(`the workload does not compile: ${why}; set CC to a C compiler with a static libc (libc6-dev)`, {
      cause,
    })
  }
}
