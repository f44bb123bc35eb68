/** xm image import, resize and clone: disks from disks. */
import { storageOf } from '../../disk-image/image-names.ts'
import { cloneImage, importImage } from '../../disk-image/make-image.ts'
import { growDisk } from '../../disk-image/resize.ts'
import { readSize } from '../../disk-image/size.ts'
import type { ImageTask } from './image.ts'
import { describedLines } from './show-images.ts'

export async function takeOver({ args, progress, json, stdout, pathOf, fileOf }: ImageTask): Promise<void> {
  const [from = '', to = ''] = args
  const path = pathOf(to)
  const found = await importImage(fileOf(from), path, progress)
  progress.end()
  stdout(json ? `${JSON.stringify({ path, ...found }, undefined, 2)}\n` : describedLines(path, found))
}

export async function grow({ args, progress, json, stdout, pathOf }: ImageTask): Promise<void> {
  const [name = '', size = ''] = args
  const path = pathOf(name)
  const grown = await growDisk(path, readSize(size, 'the size'), progress)
  progress.end()
  stdout(
    json ? `${JSON.stringify({ path, grown }, undefined, 2)}\n` : grown.map((line) => `${path}: ${line}\n`).join(''),
  )
}

export async function clone({ args, progress, json, stdout, pathOf }: ImageTask): Promise<void> {
  const [from = '', to = ''] = args
  const [base, path] = [pathOf(from), pathOf(to, 'qcow2')]
  await cloneImage(base, path, progress)
  progress.end()
  const disk = `${storageOf(path, 'qcow2')},xvda,w`
  if (json) stdout(`${JSON.stringify({ path, base, disk }, undefined, 2)}\n`)
  else stdout(`${path}: as ${base}, which must not change from now on\ndisk = ['${disk}']\n`)
}
