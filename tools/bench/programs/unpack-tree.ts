import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { exists, placeFolder } from '../../../apps/xend/src/guest-image/image-files.ts'

const HEADER_BYTES = 110
const TYPE = 0o170000
const DIRECTORY = 0o040000
const REGULAR = 0o100000
const SYMLINK = 0o120000
const TRAILER = 'TRAILER!!!'

/** Directories, files and links of a newc archive (buffer-format.rst, see cpio-newc.ts), in a folder that appears whole or not at all. */
export async function unpackTree(archive: string, folder: string): Promise<void> {
  if (await exists(folder)) return
  await mkdir(dirname(folder), { recursive: true })
  const scratch = await mkdtemp(`${folder}.making-`)
  try {
    await chmod(scratch, 0o755)
    for (const { path, mode, data } of entriesOf(await readFile(archive))) {
      const to = join(scratch, path)
      const type = mode & TYPE
      if (type === DIRECTORY) await mkdir(to, { recursive: true })
      else if (type === REGULAR) await writeFile(to, data, { mode: mode & 0o777 })
      else if (type === SYMLINK) await symlink(data.toString(), to)
    }
    await placeFolder(scratch, folder)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

interface Entry {
  readonly path: string
  readonly mode: number
  readonly data: Buffer
}

/** Of files with several names only the last has the data; each becomes a file of its own. */
function* entriesOf(archive: Buffer): Generator<Entry> {
  const names = new Map<number, string[]>()
  for (let at = 0; at + HEADER_BYTES <= archive.length; ) {
    const field = (n: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + n * 8, at + 14 + n * 8), 16)
    const [ino, mode, links, bytes, nameBytes] = [field(0), field(1), field(4), field(6), field(11)]
    const begin = (at + HEADER_BYTES + nameBytes + 3) & ~3
    const path = archive.toString('utf8', at + HEADER_BYTES, at + HEADER_BYTES + nameBytes - 1)
    if (path === TRAILER) return
    const data = archive.subarray(begin, begin + bytes)
    at = (begin + bytes + 3) & ~3
    if ((mode & TYPE) === REGULAR && links > 1 && bytes === 0) names.set(ino, [...(names.get(ino) ?? []), path])
    else for (const name of [...(names.get(ino) ?? []), path]) yield { path: name, mode, data }
  }
}
