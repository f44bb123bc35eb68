import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { zstdDecompressSync } from 'node:zlib'
import { CodedError } from '@paravane/core'

const MODULE_FILE = /\.ko(\.xz|\.zst)?$/
const MODULE_BYTES_MAX = 64 << 20

/** A module ready to be inserted: plain ELF bytes under its canonical name (`xen-blkfront.ko`). */
export interface KernelModule {
  readonly file: string
  readonly data: Uint8Array
}

/** Modules are named with `-` in some places and `_` in others; the kernel takes them as the same. */
const canonical = (name: string): string => name.replaceAll('-', '_')

/**
 * Reads `names` and every module they depend on from `folder` (a package's `lib/modules/<version>`), each after those
 * it depends on. What is built into the kernel is no dependency: modinfo does not list it.
 */
export async function readModules(folder: string, names: readonly string[]): Promise<KernelModule[]> {
  const paths = new Map<string, string>()
  for (const file of await readdir(folder, { recursive: true })) {
    if (MODULE_FILE.test(file)) paths.set(canonical(basename(file).replace(MODULE_FILE, '')), join(folder, file))
  }
  const order = new Map<string, KernelModule | undefined>()
  const visit = async (name: string): Promise<void> => {
    const key = canonical(name)
    if (order.has(key)) return
    const path = paths.get(key)
    if (path === undefined) {
      throw new CodedError(
        { code: 'MODULE_MISSING', name, folder },
        `${folder} has no module ${name}; choose a kernel whose package contains it`,
      )
    }
    order.set(key, undefined)
    const data = await readModule(path)
    for (const needed of moduleDepends(data)) await visit(needed)
    order.delete(key)
    order.set(key, { file: basename(path).replace(MODULE_FILE, '.ko'), data })
  }
  for (const name of names) await visit(name)
  return [...order.values()].filter((module) => module !== undefined)
}

/** The names in the `depends=` string of a module's `.modinfo` section. */
export function moduleDepends(data: Uint8Array): string[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const key = '\0depends='
  // .modinfo is a run of NUL-terminated strings; its first one follows the zero bytes before the section.
  const at = bytes.indexOf(key, 0, 'latin1')
  if (at < 0) return []
  const start = at + key.length
  const list = bytes.toString('latin1', start, bytes.indexOf(0, start))
  return list === '' ? [] : list.split(',')
}

async function readModule(path: string): Promise<Uint8Array> {
  if (path.endsWith('.zst')) return zstdDecompressSync(await readFile(path))
  if (path.endsWith('.xz')) return unxz(path)
  return readFile(path)
}

async function unxz(path: string): Promise<Uint8Array> {
  try {
    const run = promisify(execFile)
    const { stdout } = await run('xz', ['-dc', path], { encoding: 'buffer', maxBuffer: MODULE_BYTES_MAX })
    return stdout
  } catch (cause) {
    throw new CodedError(
      { code: 'XZ_FAILED', path },
      `cannot decompress ${path}; is it whole, and the program xz there (Debian package xz-utils)?`,
      { cause },
    )
  }
}
