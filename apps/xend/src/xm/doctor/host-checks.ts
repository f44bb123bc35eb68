/** Whether this machine is one that guests can run on, and be made on. */
import { constants, existsSync } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { hostMemory } from '../../daemon/host-facts.ts'
import type { Folders } from '../../folders.ts'
import { cacheFolder } from '../../guest-image/cache-folder.ts'
import { type Check, type Fault, fail, warn } from './finding.ts'

const MIB = 2 ** 20
/** MiB: what the hypervisor takes with its first guest of 256 MiB, and with none. */
const MEMORY = { comfortable: 1024, least: 256 } as const
const DISK = { comfortable: 1024, least: 64 } as const
const NODE: readonly [number, number] = [24, 11]

/** (module (func (result v128) (v128.const i32x4 0 0 0 0) ...)): a processor and a V8 without SIMD refuse it. */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
])
/** Of a guest's memory at its largest: 4 GiB of addresses, of which none is used yet. */
const MEMORY_PAGES_MAX = 65536

export const hostChecks = (places: Folders): readonly Check[] => [
  { name: 'platform', run: () => platform(process.platform, process.arch) },
  { name: 'node', run: () => nodeVersion(process.versions.node) },
  { name: 'engine', run: () => engine(globalThis.WebAssembly) },
  { name: 'processors', run: () => `${availableParallelism()} for pCPUs` },
  { name: 'memory', run: () => memory(hostMemory().free / MIB) },
  { name: 'disk: state', run: () => disk(places.state) },
  { name: 'disk: cache', run: () => disk(cacheFolder()) },
  {
    name: 'compiler',
    run: () => program(process.env.CC || 'cc', 'the hello guest cannot be compiled', 'apt install gcc, or set CC'),
  },
  {
    name: 'apt',
    run: () =>
      program('apt-get', "Debian's kernel cannot be fetched", 'give a kernel and a ramdisk of your own in the config'),
  },
]

export function platform(name: string, arch: string): string | Fault {
  const text = `${name} ${arch}`
  return name === 'linux' && arch === 'x64' ? text : warn(text, 'only Linux on x86-64 is tried; expect the unexpected')
}

export function nodeVersion(version: string): string | Fault {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return version
  return fail(version, `use Node ${NODE.join('.')} or later; npm install brings one`)
}

/** @param wasm undefined where it is turned off */
export function engine(wasm: Pick<typeof WebAssembly, 'validate' | 'Memory'> | undefined): string | Fault {
  const remedy = 'use Node of the version above on a processor with SSE4.1, without options that turn WebAssembly off'
  if (wasm === undefined) return fail('there is no WebAssembly', remedy)
  if (!wasm.validate(SIMD_MODULE)) return fail('WebAssembly has no SIMD', remedy)
  try {
    new wasm.Memory({ initial: 0, maximum: MEMORY_PAGES_MAX, shared: true })
  } catch (error) {
    return fail(
      `there is no shared memory of 4 GiB: ${(error as Error).message}`,
      'lift the limit on addresses (ulimit -v unlimited)',
    )
  }
  return 'WebAssembly with SIMD and shared memory'
}

export function memory(freeMiB: number): string | Fault {
  const text = `${Math.floor(freeMiB)} MiB free`
  if (freeMiB < MEMORY.least) return fail(text, `have ${MEMORY.comfortable} MiB free: end something, or add memory`)
  return freeMiB < MEMORY.comfortable ? warn(text, 'make guests small, or add memory') : text
}

async function disk(folder: string): Promise<string | Fault> {
  const place = existing(folder)
  const { bavail, bsize } = await statfs(place)
  return space(place, (bavail * bsize) / MIB)
}

export function space(place: string, freeMiB: number): string | Fault {
  const text = `${Math.floor(freeMiB)} MiB free at ${place}`
  if (freeMiB < DISK.least) return fail(text, `free ${DISK.comfortable} MiB there`)
  return freeMiB < DISK.comfortable ? warn(text, 'logs, dumps and compiled code go there: free some') : text
}

/** The folder, or that which it would be made in. */
export function existing(folder: string): string {
  let place = folder
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place)
  return place
}

async function program(name: string, without: string, remedy: string): Promise<string | Fault> {
  const places = isAbsolute(name)
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  for (const path of places) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return warn(`there is no ${name}: ${without}`, remedy)
}
