/** Disks for tests, made by e2fsprogs and by our own table of partitions. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { FIRST_PARTITION_AT, GPT_TAIL_BYTES, gptBytes, LINUX_ROOT_X86_64 } from '../../src/disk-image/gpt.ts'

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`

export const madeFolder = (): string => mkdtempSync(join(tmpdir(), 'paravane-disk-'))

/** An ext4 file system with these files; text of a symbolic link begins with `-> `. @returns its bytes */
export function fileSystem(
  files: Readonly<Record<string, string | Buffer>>,
  size: number,
  ...options: string[]
): Buffer {
  const folder = madeFolder()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  const links: string[] = []
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    if (typeof contents === 'string' && contents.startsWith('-> ')) links.push(`symlink ${path} ${contents.slice(3)}`)
    else writeFileSync(join(tree, path), contents)
  }
  const image = join(folder, 'image')
  const env = { ...process.env, PATH }
  execFileSync('mke2fs', ['-q', '-t', 'ext4', ...options, '-d', tree, image, `${size >> 10}K`], { env, stdio: 'pipe' })
  for (const link of links) execFileSync('debugfs', ['-w', '-R', link, image], { env, stdio: 'pipe' })
  return readFileSync(image)
}

/** A disk of these partitions, with a GPT. @returns its path */
export function gptDisk(partitions: readonly Buffer[]): string {
  let next = FIRST_PARTITION_AT
  const placed = partitions.map((bytes, index) => {
    const offset = next
    next += Math.ceil(bytes.length / (1 << 20)) * (1 << 20)
    const uuid = `00000000-0000-4000-8000-00000000000${index}`
    return { bytes, offset, size: bytes.length, type: LINUX_ROOT_X86_64, uuid, name: `p${index}` }
  })
  const size = next + (1 << 20)
  const { head, tail } = gptBytes(size, '00000000-0000-4000-8000-0000000000ff', placed)
  return diskOf(size, [
    [0, head],
    [size - GPT_TAIL_BYTES, tail],
    ...placed.map(({ offset, bytes }) => [offset, bytes] as const),
  ])
}

/** @returns its path */
export function diskOf(size: number, parts: readonly (readonly [offset: number, bytes: Uint8Array])[]): string {
  const path = join(madeFolder(), 'disk.img')
  const file = openSync(path, 'w')
  ftruncateSync(file, size)
  for (const [offset, bytes] of parts) writeSync(file, bytes, 0, bytes.length, offset)
  closeSync(file)
  return path
}

/** A sector with entries of an MBR. */
export function mbrSector(
  entries: readonly { type: number; start: number; sectors: number; active?: boolean }[],
): Buffer {
  const sector = Buffer.alloc(512)
  for (const [index, { type, start, sectors, active = false }] of entries.entries()) {
    const at = 446 + 16 * index
    sector[at] = active ? 0x80 : 0
    sector[at + 4] = type
    sector.writeUInt32LE(start, at + 8)
    sector.writeUInt32LE(sectors, at + 12)
  }
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}
