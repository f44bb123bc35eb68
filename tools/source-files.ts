import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const SKIPPED = new Set(['node_modules', 'dist', 'coverage'])

/** Every TypeScript file below `folder`, sorted; an absent folder has none. Paths start with `folder`. */
export function sourceFiles(folder: string): string[] {
  let entries: ReturnType<typeof listed>
  try {
    entries = listed(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.has(entry.name) || entry.name.startsWith('.') ? [] : sourceFiles(path)
    return /\.m?ts$/.test(entry.name) ? [path] : []
  })
}

function listed(folder: string): import('node:fs').Dirent[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
}
