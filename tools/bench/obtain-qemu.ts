import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { obtainTree } from '../userland/debian-tree.ts'
import { PACK } from './programs/tree.ts'
import { unpackTree } from './programs/unpack-tree.ts'

/** How QEMU is started. */
export interface Qemu {
  readonly program: string
  /** Before all other arguments. */
  readonly leading: readonly string[]
  /** Added to this process's variables. */
  readonly environment: NodeJS.ProcessEnv
  /** As it says itself. */
  readonly version: string
}

const NAME = 'qemu-system-x86_64'
const PACKAGES = ['busybox-static', 'qemu-system-x86']

/** This machine's, else Debian's in the cache, which installs nothing. @throws Error of one line */
export async function obtainQemu(progress: (line: string) => void): Promise<Qemu> {
  const installed = { program: NAME, leading: [], environment: {} }
  const version = await versionOf(installed)
  if (version !== undefined) return { ...installed, version }
  const recipe = { name: 'qemu', architectures: ['amd64'], packages: PACKAGES, excluded: [], finish: PACK }
  const archive = await obtainTree(recipe, progress)
  const tree = join(cacheFolder(), 'bench', 'qemu-tree')
  await unpackTree(archive, tree)
  const libraries = join(tree, 'usr/lib/x86_64-linux-gnu')
  const own = {
    program: join(libraries, 'ld-linux-x86-64.so.2'),
    leading: [
      ...['--library-path', `${libraries}:${join(libraries, 'pulseaudio')}`, join(tree, 'usr/bin', NAME)],
      ...['qemu', 'seabios'].flatMap((folder) => ['-L', join(tree, 'usr/share', folder)]),
    ],
    environment: { QEMU_MODULE_DIR: join(libraries, 'qemu') },
  }
  const ownVersion = await versionOf(own)
  if (ownVersion === undefined) throw new Error(`the QEMU in ${tree} does not start; apt install qemu-system-x86`)
  return { ...own, version: ownVersion }
}

async function versionOf({ program, leading, environment }: Omit<Qemu, 'version'>): Promise<string | undefined> {
  return promisify(execFile)(program, [...leading, '--version'], { env: { ...process.env, ...environment } }).then(
    ({ stdout }) => stdout.split('\n', 1)[0],
    () => undefined,
  )
}
