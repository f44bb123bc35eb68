/** New images from nothing, from others, and over others. Each appears complete or not at all. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '@paravane/core'
import { type DescribedDisk, describeDisk } from './describe-disk.ts'
import { readFileAsDisk } from './disk-reader.ts'
import { place, refuseExisting, withDraft } from './draft.ts'
import { readImageHeader } from './image-format.ts'
import type { ImageProgress } from './progress.ts'
import { convertImage, inspectImage, makeOverlay } from './qemu-img.ts'

/** A disk of nothing but zeros, which takes no room yet. @throws CodedError */
export async function makeEmptyImage(
  path: string,
  size: number,
  format: 'raw' | 'qcow2',
  progress: ImageProgress,
): Promise<void> {
  await refuseExisting(path)
  await withDraft(path, async (folder) => {
    const draft = join(folder, 'disk')
    if (format === 'qcow2') await makeOverlay(draft, { size }, progress)
    else {
      const file = await open(draft, 'wx', 0o644)
      try {
        await file.truncate(size)
      } finally {
        await file.close()
      }
    }
    await place(draft, path)
  })
}

/** A raw copy of an image of any format. @returns what is on it @throws CodedError */
export async function importImage(from: string, path: string, progress: ImageProgress): Promise<DescribedDisk> {
  await refuseExisting(path)
  const { format } = await inspectImage(from, progress)
  return withDraft(path, async (folder) => {
    const draft = join(folder, 'disk')
    progress.step(`copying ${from} (${format})`)
    await convertImage({ path: from, format }, { path: draft, format: 'raw' }, progress)
    progress.step('looking at what is on it')
    const disk = await readFileAsDisk(draft)
    const found = await describeDisk(disk).finally(() => disk.close())
    await place(draft, path)
    return found
  })
}

/** An image that is the same as `base`, and takes only the room of what differs. @throws CodedError */
export async function cloneImage(base: string, path: string, progress: ImageProgress): Promise<void> {
  await refuseExisting(path)
  const { format } = await readImageHeader(base).catch((cause: Error) => {
    throw new CodedError(
      { code: 'IMAGE_UNREADABLE', path: base },
      `cannot read ${base}: ${cause.message}; name an image that is there`,
      { cause },
    )
  })
  await withDraft(path, async (folder) => {
    const draft = join(folder, 'disk')
    await makeOverlay(draft, { base, baseFormat: format }, progress)
    await place(draft, path)
  })
}
