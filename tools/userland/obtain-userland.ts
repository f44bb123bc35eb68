/** Makes the userland's initramfs and keeps it in the cache: mmdebstrap, fetched through the host's apt, installs nothing here. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { Apt } from '../../apps/xend/src/guest-image/apt.ts'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { EXCLUDED_BY_DPKG, FINISH, PACKAGES, SUITE } from './recipe.ts'

/** A few minutes' output of apt and dpkg. */
const OUTPUT_BYTES_MAX = 64 << 20

export interface Userland {
  /** Path of Debian's unmodified cloud kernel. */
  readonly kernel: string
  /** Path of the initramfs, a newc archive that is not packed. */
  readonly ramdisk: string
}

/** Makes it where it is missing. @throws Error what apt or mmdebstrap said */
export async function obtainUserland(progress: (line: string) => void): Promise<Userland> {
  const cache = cacheFolder()
  const { kernel } = await obtainDebianGuest({ progress })
  const recipe = JSON.stringify([PACKAGES, EXCLUDED_BY_DPKG, FINISH, SUITE])
  const ramdisk = join(
    cache,
    'guests',
    `userland-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}.cpio`,
  )
  if (!(await isThere(ramdisk))) await make(ramdisk, cache, progress)
  return { kernel, ramdisk }
}

async function make(ramdisk: string, cache: string, progress: (line: string) => void): Promise<void> {
  const apt = new Apt(cache, progress)
  const wanted = await apt.describe('mmdebstrap')
  const maker = join(cache, `mmdebstrap-${wanted.version}`)
  if (!(await isThere(maker))) await apt.unpack(wanted, maker)
  await mkdir(join(cache, 'guests'), { recursive: true })
  const scratch = await mkdtemp(join(cache, 'userland-'))
  try {
    // mmdebstrap may be in a user namespace of its own, to which a private folder is closed.
    await chmod(scratch, 0o777)
    const finish = join(scratch, 'finish.sh')
    const archive = join(scratch, 'initrd.cpio')
    await writeFile(finish, FINISH, { mode: 0o755 })
    await writeFile(archive, '', { mode: 0o666 })
    const mirror = await debianMirror()
    progress(
      `making a Debian ${SUITE} userland of ${PACKAGES.length} packages and what they need (a minute or two) ...`,
    )
    const args = [
      '--variant=essential',
      '--architectures=amd64,i386',
      '--format=null',
      `--include=${PACKAGES.join(',')}`,
      ...EXCLUDED_BY_DPKG.map((path) => `--dpkgopt=path-exclude=${path}`),
      `--customize-hook=sh ${finish} "$1" ${archive}`,
      SUITE,
      '-',
      `deb ${mirror} ${SUITE} main`,
      `deb-src ${mirror} ${SUITE} main`,
    ]
    await run(join(maker, 'usr/bin/mmdebstrap'), args, join(maker, 'usr/bin'))
    await rename(archive, ramdisk)
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

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

if (import.meta.main) {
  console.log(JSON.stringify(await obtainUserland((line) => process.stderr.write(`userland: ${line}\n`))))
}
