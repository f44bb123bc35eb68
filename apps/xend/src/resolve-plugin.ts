/** Where a plugin that the user named is found: beside xend, or beside the file that names it. */
import { pathToFileURL } from 'node:url'
import { resolve as resolveFrom } from 'import-meta-resolve'

/**
 * URL of a package's module.
 * @param folder of the file that names it: an absolute path
 * @throws Error if there is none
 */
export function resolvePlugin(specifier: string, folder: string): string {
  try {
    // Also under the condition by which our own packages run from their sources.
    return import.meta.resolve(specifier)
  } catch (error) {
    if (!isNotFound(error)) throw error
    return resolveFrom(specifier, pathToFileURL(`${folder}/`).href)
  }
}

function isNotFound(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
}
