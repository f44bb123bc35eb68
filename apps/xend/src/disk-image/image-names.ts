/** What a user calls an image: a path, or a name in xend's own folder of images. */
import { join, resolve } from 'node:path'
import { CodedError } from '@paravane/core'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_+-]*$/

/** @param folder where relative paths begin @param images xend's folder of them */
export function imagePath(text: string, folder: string, images: string, format: 'raw' | 'qcow2' = 'raw'): string {
  if (NAME.test(text)) return join(images, `${text}.${format === 'raw' ? 'img' : format}`)
  // Where configs name disks a comma or a colon parts one thing from another.
  if (/[,\n\0]/.test(text)) {
    throw new CodedError(
      { code: 'IMAGE_NAME' },
      `'${text}' cannot be a disk's path: it has a comma or a line's end; choose another`,
    )
  }
  return resolve(folder, text)
}

/** As a config's `disk=` names it, without the device. */
export function storageOf(path: string, format: string): string {
  const scheme: Readonly<Record<string, string>> = {
    qcow2: 'tap:qcow2',
    vmdk: 'tap:vmdk',
    vpc: 'tap:vhd',
    vhdx: 'tap:vhdx',
  }
  return `${scheme[format] ?? 'file'}:${path}`
}
