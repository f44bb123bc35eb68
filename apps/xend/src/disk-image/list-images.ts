/** The images in a folder. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type ImageHeader, readImageHeader } from './image-format.ts'

export interface ListedImage {
  readonly name: string
  readonly path: string
  readonly format: ImageHeader['format']
  /** Bytes that the guest sees; missing where its format does not say it simply. */
  readonly size?: number
  /** Bytes that it takes on the host. */
  readonly used: number
  readonly backing?: string
}

const BLOCK_BYTES = 512

export async function listImages(folder: string): Promise<ListedImage[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const found: ListedImage[] = []
  for (const name of names.filter((each) => !each.startsWith('.')).sort()) {
    const path = join(folder, name)
    const status = await stat(path).catch(() => undefined)
    if (status === undefined || !status.isFile()) continue
    const { format, virtualSize: size, backing } = await readImageHeader(path)
    found.push({ name, path, format, size, used: status.blocks * BLOCK_BYTES, backing })
  }
  return found
}
