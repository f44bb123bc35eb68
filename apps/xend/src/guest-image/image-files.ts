import { access, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '@paravane/core'

/** The first of `paths` that is there below `root`, whole. @throws CodedError `PACKAGE_UNEXPECTED` */
export async function firstPresent(root: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const full = join(root, path)
    if (await exists(full)) return full
  }
  throw unexpectedPackage(root, `it has none of ${paths.join(', ')}`)
}

export function unexpectedPackage(name: string, why: string): CodedError<{ code: 'PACKAGE_UNEXPECTED'; name: string }> {
  const remedy = 'give a kernel and ramdisk of your own with --kernel FILE --ramdisk FILE'
  return new CodedError(
    { code: 'PACKAGE_UNEXPECTED', name },
    `the package ${name} is not as expected: ${why}; ${remedy}`,
  )
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Other processes see no folder or a whole one. If another has just made the same, that one stays. */
export async function placeFolder(made: string, folder: string): Promise<void> {
  await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
}

/** Other processes see the old text or the new one. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`
  await writeFile(draft, text)
  await rename(draft, path)
}
