/** From the start of a process to the login of a Debian on a disk: ours by pygrub and xen-blkfront, QEMU's by virtio-blk. */
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runBootLoader } from '../../../apps/xend/src/bootloader/run-boot-loader.ts'
import { makeDebianDisk } from '../../../apps/xend/src/disk-image/debian/disk.ts'
import { DEFAULT_RELEASE } from '../../../apps/xend/src/disk-image/debian/tree.ts'
import { lineProgress } from '../../../apps/xend/src/disk-image/progress.ts'
import { cacheFolder } from '../../../apps/xend/src/guest-image/cache-folder.ts'
import { exists } from '../../../apps/xend/src/guest-image/image-files.ts'
import { CliGuest } from '../../accept/cli-guest.ts'
import type { ConsoleProcess } from '../../accept/console-process.ts'
import { OUR_CPU } from '../cpu-identity.ts'
import type { Run } from '../kinds.ts'
import { startQemu } from '../machines.ts'
import { interleaved, type PartInit, type Result } from '../part.ts'
import { rivalsCommand } from '../rivals-command.ts'

export const DISK_BOOTS: readonly string[] = ['disk-boot']
const MEMORY_MIB = 512
const SIZE = 2 * 2 ** 30
const LOGIN = 'login: '
const LIMIT_MS = 900_000
const ENDING_MS = 20_000

export async function diskBootPart(init: PartInit): Promise<Result> {
  const { qemu, progress, kept } = init
  const folder = join(cacheFolder(), 'bench', 'disk-boot')
  await mkdir(folder, { recursive: true })
  const disk = await pristineDisk(folder, progress)
  const boot = await runBootLoader({ disk })
  try {
    const { kernel, ramdisk = '' } = boot
    const shape = { kernel, ramdisk, memory: MEMORY_MIB }
    const words = ` ${boot.cmdline.replace(/\b(console=\S+|quiet)\s*/g, '').trim()}`
    const copy = join(folder, 'copy.img')
    const devices = ['-drive', `file=${copy},format=raw,if=none,id=disk`, '-device', 'virtio-blk-pci,drive=disk']
    const theirs = { ...qemu, leading: [...qemu.leading, ...devices] }
    const config = join(folder, 'disk-boot.cfg')
    await writeFile(config, configOf(copy))
    const ours = ['--config', config, '--cpu', OUR_CPU, '--pcpus', '1', ...(kept ? [] : ['--no-keep'])]
    const run = {
      paravane: () => timed(disk, copy, () => new CliGuest(ours)),
      tcg: () => timed(disk, copy, () => startQemu(theirs, shape, words)),
    }
    const load = [
      [
        'disk-boot',
        `a Debian ${DEFAULT_RELEASE} on a new disk, from the start of the process to its login, ${MEMORY_MIB} MiB, 1 vCPU`,
      ],
      ['disk-boot in the rival', rivalsCommand(theirs, shape, words)],
    ] as const
    return { rows: await interleaved('disk-boot', run, init), load }
  } finally {
    await boot.release()
    await rm(join(folder, 'copy.img'), { force: true })
  }
}

const configOf = (disk: string): string =>
  `name = 'disk-boot'\nmemory = ${MEMORY_MIB}\nbootloader = 'pygrub'\nextra = 'mitigations=off'\ndisk = ['file:${disk},xvda,w']\n`

/** Of a disk that no guest has had yet, which is no part of the time. */
async function timed(disk: string, copy: string, start: () => ConsoleProcess): Promise<Run> {
  await rm(copy, { force: true })
  await promisify(execFile)('cp', ['--sparse=always', '--reflink=auto', disk, copy])
  const guest = start()
  try {
    await guest.shows(LOGIN, LIMIT_MS)
    return { measures: [{ name: 'disk-boot', kind: 'boot', ns: (performance.now() - guest.begin) * 1e6 }] }
  } finally {
    await guest.terminate(ENDING_MS)
  }
}

/** Made once for a release. */
async function pristineDisk(folder: string, progress: (line: string) => void): Promise<string> {
  const path = join(folder, `debian-${DEFAULT_RELEASE}.img`)
  if (await exists(path)) return path
  await makeDebianDisk(
    {
      path,
      format: 'raw',
      size: SIZE,
      release: DEFAULT_RELEASE,
      packages: [],
      hostname: 'bench',
      login: 'debian',
      password: '',
      refresh: false,
    },
    lineProgress(progress),
  )
  return path
}
