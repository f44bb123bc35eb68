/**
 * Grows a disk: its file, the last partition, and the ext file system in it. A copy is grown, which takes the disk's place when it is
 * whole: whatever happens meanwhile, there is one or the other.
 */
import { chmod, open, realpath, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '@paravane/core'
import { openStorage } from '@paravane/dev-blk'
import { requireProgram } from '../guest-image/host-program.ts'
import { type DiskReader, readFileAsDisk } from './disk-reader.ts'
import { withDraft } from './draft.ts'
import { isExt, recogniseFileSystem } from './file-system.ts'
import { type Growth, planGrowth } from './grow-table.ts'
import { readImageHeader } from './image-format.ts'
import { readPartitionTable } from './partitions.ts'
import type { ImageProgress } from './progress.ts'
import { runTool } from './run-tool.ts'
import { showSize } from './size.ts'

/** e2fsck mended something, which is fine. */
const E2FSCK_FINE: readonly number[] = [0, 1, 2, 3]
const HEAD_BYTES = 1 << 16

/** @returns what has grown, a line each @throws CodedError with the disk as it was */
export async function growDisk(named: string, size: number, progress: ImageProgress): Promise<string[]> {
  const path = await realpath(named).catch((cause: Error) => {
    const message = `cannot read ${named}: ${cause.message}; name an image that is there`
    throw new CodedError({ code: 'IMAGE_UNREADABLE', path: named }, message, { cause })
  })
  const { format, virtualSize } = await readImageHeader(path)
  if (format !== 'raw' || virtualSize === undefined) {
    const message = `${path} is of format ${format}: only raw images are resized; make it one: xm image import ${path} NEW`
    throw new CodedError({ code: 'RESIZE_REFUSED', path }, message)
  }
  if (size < virtualSize) {
    const message = `${path} has ${showSize(virtualSize)} and is not made smaller, as files at its end would be lost; make a smaller disk and copy them in the guest`
    throw new CodedError({ code: 'RESIZE_REFUSED', path }, message)
  }
  // Refused while a guest has it.
  const held = await openStorage(`file:${path}`, 'w', '')
  const disk = await readFileAsDisk(path)
  try {
    return await grow(path, disk, size, progress)
  } finally {
    await disk.close()
    await held.close()
  }
}

interface Plan {
  /** Where the file system or the last partition begins. */
  readonly offset: number
  /** Bytes that it has, and that it will have. */
  readonly before: number
  readonly room: number
  readonly growth?: Growth
  readonly lines: readonly string[]
}

async function planOf(disk: DiskReader, size: number): Promise<Plan> {
  const lines = [`the disk has ${showSize(size)}`]
  const table = await readPartitionTable(disk)
  const last = table?.partitions.toSorted((a, b) => b.offset - a.offset)[0]
  if (table === undefined || last === undefined) return { offset: 0, before: disk.size, room: size, lines }
  const head = Buffer.from(await disk.read(0, Math.min(HEAD_BYTES, disk.size)))
  const growth = planGrowth(head, table, last, size)
  lines.push(`partition ${last.number} has ${showSize(growth.room)}`)
  return { offset: last.offset, before: last.size, room: growth.room, growth, lines }
}

async function grow(path: string, disk: DiskReader, size: number, progress: ImageProgress): Promise<string[]> {
  const { offset, before, room, growth, lines } = await planOf(disk, size)
  const found = await recogniseFileSystem(disk, offset)
  if (!isExt(found)) {
    // Nothing moves: the file grows where it is.
    const file = await open(path, 'r+')
    await file
      .truncate(size)
      .then(() => growth?.write(file))
      .finally(() => file.close())
    return [...lines, `what it holds (${found?.kind ?? 'nothing known'}) is for the guest to grow`]
  }
  await withDraft(path, async (folder) => {
    const [part, whole] = [join(folder, 'part'), join(folder, 'disk')]
    progress.step('copying the file system')
    await copySparsely(path, part, { from: offset, to: 0, length: before })
    progress.step('checking it')
    await onFileSystem(path, 'e2fsck', ['-f', '-p', part], E2FSCK_FINE)
    progress.step('growing it')
    await onFileSystem(path, 'resize2fs', [part, `${Math.floor(room / 1024)}K`])
    progress.step('putting the disk together')
    await copySparsely(path, whole, { from: 0, to: 0, length: offset })
    await copySparsely(part, whole, { from: 0, to: offset, length: room })
    const file = await open(whole, 'r+')
    await file
      .truncate(size)
      .then(() => growth?.write(file))
      .then(() => file.sync())
      .finally(() => file.close())
    await chmod(whole, (await stat(path)).mode & 0o7777)
    await rename(whole, path)
  })
  return [...lines, `so has its ${found?.kind} file system`]
}

async function copySparsely(
  from: string,
  to: string,
  span: { from: number; to: number; length: number },
): Promise<void> {
  if (span.length === 0) return
  const args = [`if=${from}`, `of=${to}`, 'bs=1M', `skip=${span.from}`, `seek=${span.to}`, `count=${span.length}`]
  const flags = ['iflag=skip_bytes,count_bytes', 'oflag=seek_bytes', 'conv=sparse,notrunc', 'status=none']
  await runTool({ path: 'dd', args: [...args, ...flags] })
}

async function onFileSystem(
  path: string,
  program: 'e2fsck' | 'resize2fs',
  args: readonly string[],
  fine?: readonly number[],
): Promise<void> {
  const tool = await requireProgram(program, 'e2fsprogs')
  await runTool({ ...tool, args, fine }).catch((cause: Error) => {
    const message = `${path}: its file system cannot be grown: ${cause.message}; boot the guest to mend it`
    throw new CodedError({ code: 'RESIZE_REFUSED', path }, message, { cause })
  })
}
