/** Grows a disk: its file, the last partition, and the ext file system in it. */
import { open, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '@paravane/core'
import { requireProgram } from '../guest-image/host-program.ts'
import { type DiskReader, readFileAsDisk } from './disk-reader.ts'
import { withDraft } from './draft.ts'
import { isExt, recogniseFileSystem } from './file-system.ts'
import { growLast } from './grow-table.ts'
import { readImageHeader } from './image-format.ts'
import { type PartitionTable, readPartitionTable } from './partitions.ts'
import type { ImageProgress } from './progress.ts'
import { runTool } from './run-tool.ts'
import { showSize } from './size.ts'

/** e2fsck mended something, which is fine. */
const E2FSCK_FINE: readonly number[] = [0, 1, 2, 3]

/** @returns what has grown, a line each @throws CodedError */
export async function growDisk(path: string, size: number, progress: ImageProgress): Promise<string[]> {
  const { format, virtualSize } = await readImageHeader(path).catch((cause: Error) => {
    throw new CodedError(
      { code: 'IMAGE_UNREADABLE', path },
      `cannot read ${path}: ${cause.message}; name an image that is there`,
      { cause },
    )
  })
  if (format !== 'raw' || virtualSize === undefined) {
    const message = `${path} is of format ${format}: only raw images are resized; make it one by 'xm image import ${path} NEW'`
    throw new CodedError({ code: 'RESIZE_REFUSED', path }, message)
  }
  if (size < virtualSize) {
    const message = `${path} has ${showSize(virtualSize)} and is not made smaller: files at its end would be lost; make a smaller disk and copy them in the guest`
    throw new CodedError({ code: 'RESIZE_REFUSED', path }, message)
  }
  const disk = await readFileAsDisk(path)
  try {
    return await grow(path, disk, size, progress)
  } finally {
    await disk.close()
  }
}

async function grow(path: string, disk: DiskReader, size: number, progress: ImageProgress): Promise<string[]> {
  const table = await readPartitionTable(disk)
  const last = table?.partitions.toSorted((a, b) => b.offset - a.offset)[0]
  const offset = last?.offset ?? 0
  const found = await recogniseFileSystem(disk, offset)
  const isFileSystem = isExt(found) && (table === undefined || last !== undefined)
  // Before anything is changed: a damaged file system is not grown.
  if (isFileSystem) {
    progress.step('checking the file system')
    await onFileSystem('e2fsck', path, offset, ['-f', '-p'], [], E2FSCK_FINE)
  }
  const lines = [`the disk has ${showSize(size)}`]
  const room = await growFile(path, size, table)
  if (last !== undefined) lines.push(`partition ${last.number} has ${showSize(room)}`)
  if (!isFileSystem) return [...lines, `what it holds (${found?.kind ?? 'unknown'}) is for the guest to grow`]
  progress.step('growing the file system')
  await onFileSystem('resize2fs', path, offset, [], [`${Math.floor(room / 1024)}K`])
  return [...lines, `its ${found?.kind} file system, too`]
}

/** @returns bytes of the last partition, or of all where there are none */
async function growFile(path: string, size: number, table: PartitionTable | undefined): Promise<number> {
  const file = await open(path, 'r+')
  try {
    await file.truncate(size)
    const last = table?.partitions.toSorted((a, b) => b.offset - a.offset)[0]
    if (table === undefined || last === undefined) return size
    const room = await growLast(file, table, last, size)
    await file.sync()
    return room
  } finally {
    await file.close()
  }
}

/** A program of e2fsprogs on a file system within a file, which these name with a ? before the offset. */
async function onFileSystem(
  program: 'e2fsck' | 'resize2fs',
  path: string,
  offset: number,
  options: readonly string[],
  rest: readonly string[],
  fine?: readonly number[],
): Promise<void> {
  const tool = await requireProgram(program, 'e2fsprogs')
  await withDraft(path, async (folder) => {
    // Of a path with a ? in it they would take the wrong part.
    const link = join(folder, 'disk')
    await symlink(path, link)
    await runTool({ ...tool, args: [...options, `${link}?offset=${offset}`, ...rest], fine }).catch((cause: Error) => {
      const message = `${path}: its file system cannot be grown: ${cause.message}; boot the guest to mend it, or run e2fsck`
      throw new CodedError({ code: 'RESIZE_REFUSED', path }, message, { cause })
    })
  })
}
