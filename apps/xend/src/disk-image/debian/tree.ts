/** A Debian tree with a kernel, packed, in the cache: installed once by mmdebstrap for all disks that have the same packages. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { CodedError } from '@paravane/core'
import { cacheFolder } from '../../guest-image/cache-folder.ts'
import { obtainProgram } from '../../guest-image/host-program.ts'
import { exists, writeAtomically } from '../../guest-image/image-files.ts'
import { withDraft } from '../draft.ts'
import type { ImageProgress } from '../progress.ts'
import { runTool } from '../run-tool.ts'
import { type AptSources, sourceLines } from './apt-sources.ts'
import { inNamespace } from './as-root.ts'
import { AFTER_PACKAGES, BEFORE_PACKAGES } from './scripts.ts'

export const DEFAULT_RELEASE = 'bookworm'
const PACKAGES: readonly string[] = [
  ...['systemd-sysv', 'udev', 'dbus', 'linux-image-cloud-amd64', 'initramfs-tools', 'zstd', 'openssh-server'],
  ...['ca-certificates', 'iproute2', 'iputils-ping', 'kmod', 'less', 'nano', 'netbase', 'procps', 'sudo'],
]
/** Part of systemd's own package before bookworm. */
const RESOLVED = 'systemd-resolved'
const RELEASES_WITHOUT_RESOLVED: ReadonlySet<string> = new Set(['bullseye', 'buster', 'oldoldstable'])
/** Goes up when a tree would differ for another reason than those in its recipe. */
const FORMAT = 1
const LONGEST_CAUSE = 600

export interface TreeRecipe {
  /** Code name or suite of Debian. */
  readonly release: string
  /** Beyond those that every disk has. */
  readonly packages: readonly string[]
  readonly sources: AptSources
}

export interface Tree {
  /** A tar file, packed by zstd. */
  readonly path: string
  /** Bytes of it unpacked. */
  readonly size: number
  readonly made: Date
}

/** What mmdebstrap says, and what of it is to be seen. */
const STEPS: readonly (readonly [said: string, part: number, text: string])[] = [
  ['running apt-get update', 0.02, 'fetching package lists'],
  ['downloading packages', 0.08, 'fetching packages'],
  ['extracting archives', 0.15, 'unpacking'],
  ['installing essential', 0.25, 'installing the essential packages'],
  ['installing remaining', 0.45, 'installing the others'],
  ['cleaning package', 0.92, 'cleaning up'],
  ['creating tarball', 0.94, 'packing'],
]

/** Makes it where it is missing. @param refresh even where it is not @throws CodedError what apt or mmdebstrap said */
export async function obtainTree(recipe: TreeRecipe, refresh: boolean, progress: ImageProgress): Promise<Tree> {
  const words = JSON.stringify([FORMAT, recipe, PACKAGES, BEFORE_PACKAGES, AFTER_PACKAGES])
  const key = createHash('sha256').update(words).digest('hex').slice(0, 12)
  const path = join(cacheFolder(), 'guests', `debian-${recipe.release}-${key}.tar.zst`)
  if (refresh || !(await exists(`${path}.size`)) || !(await exists(path))) await make(recipe, path, progress)
  const { mtime } = await stat(path)
  return { path, size: Number(await readFile(`${path}.size`, 'utf8')), made: mtime }
}

async function make({ release, packages, sources }: TreeRecipe, path: string, progress: ImageProgress): Promise<void> {
  const maker = await obtainProgram('mmdebstrap', 'mmdebstrap', (line) => progress.say(line))
  const all = [...PACKAGES, ...(RELEASES_WITHOUT_RESOLVED.has(release) ? [] : [RESOLVED]), ...packages]
  progress.step(`installing Debian ${release}: ${all.length} packages and what they need`)
  await withDraft(path, async (scratch) => {
    const script = async (name: string, text: string): Promise<string> => {
      await writeFile(join(scratch, name), text)
      return `sh ${join(scratch, name)} "$1"`
    }
    const command = [maker.path, '--mode=root', '--variant=minbase', '--format=tar', `--include=${all.join(',')}`]
    const root = await inNamespace(command, scratch, (line) => progress.say(line))
    const hooks = [
      ...(root.library === undefined ? [] : [`--setup-hook=${await script('lend.sh', lend(root.library))}`]),
      `--essential-hook=${await script('before.sh', BEFORE_PACKAGES)}`,
      `--customize-hook=${await script('after.sh', AFTER_PACKAGES)}`,
      ...(root.library === undefined ? [] : [`--customize-hook=${await script('back.sh', takeBack(root.library))}`]),
    ]
    // With /bin in /usr from the start, where the release has it so.
    const merged = `--hook-dir=${join(dirname(maker.path), '../share/mmdebstrap/hooks/maybe-merged-usr')}`
    // In a namespace of one user there is no _apt.
    const options = root.library === undefined ? [] : ['--aptopt=APT::Sandbox::User "root"']
    const searched = [root.environment.PATH, dirname(maker.path)].join(delimiter)
    const archive = join(scratch, 'tree.tar')
    await runTool({
      path: root.path,
      args: [...root.args, merged, ...hooks, ...options, release, archive, ...sourceLines(sources, release)],
      environment: { ...root.environment, TMPDIR: scratch, PATH: searched },
      heard: (line) => showStep(line, progress),
    }).catch((error: unknown) => {
      throw failed(release, error)
    })
    const { size } = await stat(archive)
    const packed = join(scratch, 'tree.tar.zst')
    await pipeline(createReadStream(archive), createZstdCompress(), createWriteStream(packed))
    await writeAtomically(`${path}.size`, String(size))
    await rename(packed, path)
  })
}

function showStep(line: string, progress: ImageProgress): void {
  const found = STEPS.find(([said]) => line.startsWith(`I: ${said}`))
  if (found === undefined) return
  progress.step(found[2])
  progress.part(found[1])
}

/** fakeroot's library has to be found by programs whose root is the tree. */
const lend = (library: string): string => `set -eu\nmkdir -p "$1${dirname(library)}"\ncp "${library}" "$1${library}"\n`
const takeBack = (library: string): string =>
  `set -eu\ncd "$1"\nrm ".${library}"\nrmdir -p --ignore-fail-on-non-empty ".${dirname(library)}"\n`

function failed(release: string, error: unknown): unknown {
  if (!(error instanceof CodedError) || error.code !== 'TOOL_FAILED') return error
  // Of a command that failed mmdebstrap shows all arguments.
  const said = error.message.replace(/ chroot \S+ \S+ .*? failed/g, ' failed').slice(0, LONGEST_CAUSE)
  const message = `Debian ${release} could not be installed: ${said}; is the mirror reachable, and are the release and packages spelt right?`
  return new CodedError({ code: 'DEBIAN_FAILED', release }, message, { cause: error })
}
