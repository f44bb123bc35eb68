/** Makes an archive of a Debian tree and keeps it in the cache: mmdebstrap, fetched through the host's apt, installs nothing here. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { Apt } from '../../apps/xend/src/guest-image/apt.ts'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { exists } from '../../apps/xend/src/guest-image/image-files.ts'
import { SUITE } from './recipe.ts'

/** A few minutes' output of apt and dpkg. */
const OUTPUT_BYTES_MAX = 64 << 20

/** What is in a tree. */
export interface TreeRecipe {
  /** Of the file in the cache, before what tells recipes apart. */
  readonly name: string
  readonly architectures: readonly string[]
  /** Installed with what they depend on. */
  readonly packages: readonly string[]
  /** Patterns of paths. */
  readonly excluded: readonly string[]
  /** One shell script; $1 is the tree, $2 is where the archive goes. */
  readonly finish: string
}

/** Path of the newc archive, not packed. Makes it where it is missing. @throws Error what apt or mmdebstrap said */
export async function obtainTree(recipe: TreeRecipe, progress: (line: string) => void): Promise<string> {
  const cache = cacheFolder()
  const { name, packages, excluded, finish } = recipe
  const words = JSON.stringify([packages, excluded, finish, SUITE])
  const archive = join(cache, 'guests', `${name}-${createHash('sha256').update(words).digest('hex').slice(0, 12)}.cpio`)
  if (!(await exists(archive))) await make(recipe, archive, cache, progress)
  return archive
}

async function make(
  { name, architectures, packages, excluded, finish: script }: TreeRecipe,
  wanted: string,
  cache: string,
  progress: (line: string) => void,
): Promise<void> {
  const apt = new Apt(cache, progress)
  const tool = await apt.describe('mmdebstrap')
  const maker = join(cache, `mmdebstrap-${tool.version}`)
  if (!(await exists(maker))) await apt.unpack(tool, maker)
  await mkdir(join(cache, 'guests'), { recursive: true })
  const scratch = await mkdtemp(join(cache, `${name}-`))
  try {
    // mmdebstrap may be in a user namespace of its own, to which a private folder is closed.
    await chmod(scratch, 0o777)
    const finish = join(scratch, 'finish.sh')
    const archive = join(scratch, 'initrd.cpio')
    await writeFile(finish, script, { mode: 0o755 })
    await writeFile(archive, '', { mode: 0o666 })
    const mirror = await debianMirror()
    progress(`making a Debian ${SUITE} tree of ${packages.length} packages and what they need (a minute or two) ...`)
    const args = [
      '--variant=essential',
      `--architectures=${architectures.join(',')}`,
      '--format=null',
      `--include=${packages.join(',')}`,
      ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
      `--customize-hook=sh ${finish} "$1" ${archive}`,
      SUITE,
      '-',
      `deb ${mirror} ${SUITE} main`,
      `deb-src ${mirror} ${SUITE} main`,
    ]
    await run(join(maker, 'usr/bin/mmdebstrap'), args, join(maker, 'usr/bin'))
    await rename(archive, wanted)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Where this host's apt finds the suite. */
async function debianMirror(): Promise<string> {
  const format = '$(REPO_URI) $(CODENAME) $(LABEL)'
  const lines = (await run('apt-get', ['indextargets', '--format', format, 'Identifier: Packages'])).split('\n')
  const found = lines
    .map((line) => line.split(' '))
    .find(([, codename, label]) => codename === SUITE && label === 'Debian')
  if (found === undefined) throw new Error(`this host's apt knows no mirror of Debian ${SUITE}`)
  return found[0]
}

async function run(program: string, args: readonly string[], path?: string): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C', PATH: [path, process.env.PATH].filter(Boolean).join(delimiter) }
  try {
    const { stdout } = await promisify(execFile)(program, args, { env, maxBuffer: OUTPUT_BYTES_MAX })
    return stdout
  } catch (cause) {
    const { stderr } = cause as { stderr?: string }
    const said = stderr?.trim().split('\n').slice(-5).join('; ') ?? String(cause)
    throw new Error(`${program} failed: ${said}`, { cause })
  }
}
