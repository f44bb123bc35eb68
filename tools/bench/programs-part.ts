import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cacheFolder } from '../../apps/xend/src/guest-image/cache-folder.ts'
import { obtainDebianGuest } from '../../apps/xend/src/guest-image/debian-guest.ts'
import { makeRamdisk, WORKLOAD } from './bench-image.ts'
import { type GuestShape, guestRun, nativeRun, startParavane, startQemu } from './machines.ts'
import { interleaved, type PartInit, type Result } from './part.ts'
import { enterTree, programFiles, programScript } from './programs/program-run.ts'
import { PROGRAMS } from './programs/table.ts'
import { obtainPrograms, VERSIONS } from './programs/tree.ts'
import { unpackTree } from './programs/unpack-tree.ts'
import { END } from './report.ts'
import { rivalsCommand } from './rivals-command.ts'

/** The tree is in memory twice while it is unpacked. */
const MEMORY_MIB = 1024

/** Debian's programs in a guest that has just booted; on this machine the same files, with their folder as the root. */
export async function programsPart(init: PartInit): Promise<Result> {
  const { workload, names, qemu, progress } = init
  const { kernel } = await obtainDebianGuest({ progress })
  const archive = await obtainPrograms(progress)
  const files = await programFiles()
  const shape: GuestShape = { kernel, ramdisk: await makeRamdisk(archive, workload, files), memory: MEMORY_MIB }
  const tree = join(cacheFolder(), 'bench', basename(archive, '.cpio'))
  await unpackTree(archive, tree)
  await mkdir(join(tree, 'bench/programs'), { recursive: true })
  await copyFile(workload, join(tree, WORKLOAD))
  for (const file of files) if (file.type === 'file') await writeFile(join(tree, file.path), file.data)

  const script = programScript(WORKLOAD, names)
  const run = {
    paravane: () => guestRun((extra) => startParavane(shape, extra, init.kept), script, 'paravane'),
    tcg: () => guestRun((extra) => startQemu(qemu, shape, extra), script, 'tcg'),
    native: () => nativeRun('unshare', enterTree(tree, `${script} && echo ${END}`)),
  }
  const load = [
    ['programs', `${commandsOf(names)}; ${await versionsIn(tree)}; ${MEMORY_MIB} MiB, 1 vCPU`],
    ['programs in the rival', rivalsCommand(qemu, shape)],
  ] as const
  return { rows: await interleaved('programs', run, init), load }
}

function commandsOf(names: readonly string[]): string {
  return PROGRAMS.filter(({ name }) => names.includes(name))
    .map(({ command }) => command)
    .join('; ')
}

async function versionsIn(tree: string): Promise<string> {
  const lines = (await readFile(join(tree, VERSIONS), 'utf8')).trimEnd().split('\n')
  const versions = new Map(lines.map((line) => line.split(' ') as [string, string]))
  return ['libc6', 'gzip', 'openssl', 'perl-base', 'python3.11', 'sqlite3', 'gcc-12']
    .map((name) => `${name} ${versions.get(name)}`)
    .join(', ')
}
