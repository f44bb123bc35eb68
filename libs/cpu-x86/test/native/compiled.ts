import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** No stack protector and no lazy binding: both use thread-local storage, which is not there while FS has a guest's base. */
const FLAGS = ['-O2', '-pie', '-fPIE', '-mfsgsbase', '-fno-stack-protector', '-Wl,-z,now']

/** A C program of this folder, compiled by gcc; kept in the temporary directory under the hash of its source. */
export function compiled(name: 'judge' | 'programs' | 'insns'): string {
  const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const source = file(`./${name}.c`)
  const hash = createHash('sha256')
  for (const path of [source, file('./enter.h')]) hash.update(readFileSync(path))
  const directory = join(tmpdir(), `paravane-judge-${process.getuid?.() ?? 0}`)
  const binary = join(directory, hash.digest('hex').slice(0, 16))
  if (existsSync(binary)) return binary
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const fresh = `${binary}.${process.pid}`
  execFileSync('gcc', [...FLAGS, '-o', fresh, source])
  renameSync(fresh, binary)
  return binary
}
