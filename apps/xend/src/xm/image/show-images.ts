/** xm image list and info: what there is, and what is on it. */
import { CodedError } from '@paravane/core'
import { type DescribedDisk, describeDisk } from '../../disk-image/describe-disk.ts'
import { readFileAsDisk } from '../../disk-image/disk-reader.ts'
import { readImageHeader } from '../../disk-image/image-format.ts'
import { listImages } from '../../disk-image/list-images.ts'
import { showSize } from '../../disk-image/size.ts'
import { folders, imagesFolder } from '../../folders.ts'
import type { ImageTask } from './image.ts'

const NAME_WIDTH = 32

export async function showImages({ json, stdout }: ImageTask): Promise<void> {
  const found = await listImages(imagesFolder(folders()))
  if (json) {
    stdout(`${JSON.stringify(found, undefined, 2)}\n`)
    return
  }
  const row = (name: string, format: string, size: string, used: string, base: string): string =>
    `${name.padEnd(NAME_WIDTH)} ${format.padEnd(6)} ${size.padStart(10)} ${used.padStart(10)} ${base}`.trimEnd()
  const rows = found.map(({ name, format, size, used, backing = '' }) =>
    row(name, format, size === undefined ? '-' : showSize(size), showSize(used), backing),
  )
  stdout(`${[row('Name', 'Format', 'Size', 'Used', 'Base'), ...rows].join('\n')}\n`)
}

export async function showImage({ args: [name = ''], json, stdout, pathOf }: ImageTask): Promise<void> {
  const path = pathOf(name)
  const { format, virtualSize, backing } = await readImageHeader(path).catch((cause: Error) => {
    const message = `cannot read ${path}: ${cause.message}; 'xm image list' shows those there are`
    throw new CodedError({ code: 'IMAGE_UNREADABLE', path }, message, { cause })
  })
  if (format !== 'raw') {
    const of = backing === undefined ? '' : `, over ${backing}`
    const size = virtualSize === undefined ? '' : `, ${showSize(virtualSize)}`
    stdout(
      json
        ? `${JSON.stringify({ path, format, size: virtualSize, backing }, undefined, 2)}\n`
        : `${path}: ${format}${size}${of}\n`,
    )
    return
  }
  const disk = await readFileAsDisk(path)
  const found = await describeDisk(disk).finally(() => disk.close())
  stdout(json ? `${JSON.stringify({ path, format, ...found }, undefined, 2)}\n` : describedLines(path, found))
}

export function describedLines(path: string, { size, table, parts, boot, advice }: DescribedDisk): string {
  const kind = table === 'none' ? 'without partitions' : `with a partition table (${table.toUpperCase()})`
  const lines = [`${path}: raw, ${showSize(size)}, ${kind}`]
  for (const { number, size, holds, label, uuid } of parts) {
    const more = [label, uuid].filter(Boolean).join(' ')
    lines.push(
      `  ${number === 0 ? 'all of it' : `partition ${number}`}: ${showSize(size)}, ${holds}${more === '' ? '' : ` (${more})`}`,
    )
  }
  if (boot !== undefined) lines.push(`  pygrub boots '${boot.title ?? ''}': ${boot.kernel} ${boot.cmdline}`)
  return `${[...lines, ...advice.map((line) => `  to do: ${line}`)].join('\n')}\n`
}
