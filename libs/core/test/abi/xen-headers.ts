import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** The folder that holds `xen/xen.h`. */
function includeFolder(): string {
  const named = process.env.PARAVANE_XEN_HEADERS
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folders = named ? [named] : [join(cache, 'paravane/libxen-dev/usr/include'), '/usr/include']
  const found = folders.find((folder) => existsSync(join(folder, 'xen/xen.h')))
  if (found) return found
  throw new Error(
    `Xen's public headers are not in ${folders.join(' or ')}: ` +
      '`node tools/setup.mjs --with-headers` in the repository gets them, as `npm test` does first',
  )
}

/** Compiles `source` against Xen's headers, runs it and answers what it printed. A compiler's error is thrown whole. */
export function runC(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-abi-'))
  try {
    const program = join(folder, 'abi')
    execFileSync('gcc', ['-std=gnu11', '-w', '-I', includeFolder(), '-x', 'c', '-', '-o', program], { input: source })
    return execFileSync(program, { encoding: 'utf8' })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
