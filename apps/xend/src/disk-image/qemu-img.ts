/** qemu-img: the host's, or Debian's out of the cache. */
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CodedError, type HostProgram } from '@paravane/core'
import { obtainProgram } from '../guest-image/host-program.ts'
import type { ImageProgress } from './progress.ts'
import { runTool } from './run-tool.ts'

/** As `qemu-img info --output=json` has it. */
interface QemuImageInfo {
  readonly format: string
  readonly 'virtual-size': number
  readonly 'backing-filename'?: string
  readonly 'format-specific'?: {
    readonly data?: { readonly 'data-file'?: string; readonly extents?: readonly { readonly filename: string }[] }
  }
}

const obtain = (progress: ImageProgress): Promise<HostProgram> =>
  obtainProgram('qemu-img', 'qemu-utils', (line) => progress.say(line))

/**
 * The format and size of an image that may come from anywhere.
 * @throws CodedError `IMAGE_REFERS` if it would have other files of the host read
 */
export async function inspectImage(path: string, progress: ImageProgress): Promise<{ format: string; size: number }> {
  await stat(path).catch((cause: Error) => {
    throw new CodedError(
      { code: 'IMAGE_UNREADABLE', path },
      `cannot read ${path}: ${cause.message}; name an image that is there`,
      { cause },
    )
  })
  const program = await obtain(progress)
  const text = await runTool({ ...program, args: ['info', '--output=json', path] }).catch((cause: Error) => {
    throw new CodedError({ code: 'IMAGE_DAMAGED', path }, `${path} is no image that can be read: ${cause.message}`, {
      cause,
    })
  })
  const info = JSON.parse(text) as QemuImageInfo
  const { extents = [], 'data-file': data } = info['format-specific']?.data ?? {}
  const folder = dirname(path)
  const isBeside = (file: string): boolean => dirname(resolve(folder, file)) === folder
  const other = [
    info['backing-filename'],
    data,
    ...extents.map(({ filename }) => filename).filter((file) => !isBeside(file)),
  ]
  const named = other.find((file) => file !== undefined)
  if (named === undefined) return { format: info.format, size: info['virtual-size'] }
  const refusal = `${path} refers to another file, ${named}; have it made whole where it was made: qemu-img convert -O qcow2 ${path} WHOLE`
  throw new CodedError({ code: 'IMAGE_REFERS', path }, refusal)
}

/** Writes a whole copy in another format, with holes where it is empty. */
export async function convertImage(
  from: { readonly path: string; readonly format: string },
  to: { readonly path: string; readonly format: string },
  progress: ImageProgress,
): Promise<void> {
  const program = await obtain(progress)
  // Written past the host's memory of files, a copy would be slow; it is flushed at the end.
  const args = ['convert', '-p', '-f', from.format, '-O', to.format, from.path, to.path]
  const shown = (text: string): void => {
    const [, percent] = /\((\d+(?:\.\d+)?)\/100%\)[^(]*$/.exec(text) ?? []
    if (percent !== undefined) progress.part(Number(percent) / 100)
  }
  await runTool({ ...program, args, shown })
}

/** An image that has nothing of its own yet: all else is read of `base`, or is empty. */
export async function makeOverlay(
  path: string,
  init: { readonly size: number } | { readonly base: string; readonly baseFormat: string },
  progress: ImageProgress,
): Promise<void> {
  const program = await obtain(progress)
  const what = 'base' in init ? ['-b', init.base, '-F', init.baseFormat, path] : [path, String(init.size)]
  await runTool({ ...program, args: ['create', '-q', '-f', 'qcow2', ...what] })
}
