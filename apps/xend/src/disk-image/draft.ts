/** Files that appear complete or not at all: they are made beside their place, and what is left of them when this process ends goes. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { access, mkdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CodedError } from '@paravane/core'

const left = new Set<string>()
process.on('exit', () => {
  for (const path of left) removeTree(path)
})

/** A folder beside `place`, for what becomes it. `use` is given its path; it is removed in any case. */
export async function withDraft<T>(place: string, use: (folder: string) => Promise<T>): Promise<T> {
  const [parent, name] = [dirname(place), basename(place)]
  await mkdir(parent, { recursive: true })
  sweep(parent, name)
  const folder = join(parent, draftName(name, process.pid))
  try {
    left.add(folder)
    mkdirSync(folder, { mode: 0o700 })
    return await use(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && !/No space left on device|could not write/i.test(String(error))) throw error
    const message = `there is no room for ${place} on its file system; free some, or name another place; nothing of it is left`
    throw new CodedError({ code: 'NO_SPACE', path: place }, message, { cause: error })
  } finally {
    removeTree(folder)
    left.delete(folder)
  }
}

/** @throws CodedError `IMAGE_EXISTS` */
export async function refuseExisting(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (!isThere) return
  throw new CodedError({ code: 'IMAGE_EXISTS', path }, `${path} is there already; remove it, or choose another name`)
}

/** To its place, which it takes in one step. */
export async function place(draft: string, path: string): Promise<void> {
  await refuseExisting(path)
  await rename(draft, path)
}

const draftName = (name: string, pid: number): string => `.${name}.making-${pid}`

/** Removes what processes that were killed have left of the same. */
function sweep(parent: string, name: string): void {
  const begin = draftName(name, 0).slice(0, -1)
  for (const each of readdirSync(parent)) {
    if (each.startsWith(begin) && !isAlive(Number(each.slice(begin.length)))) removeTree(join(parent, each))
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Also with folders in it that their owner may not write to, as a guest's tree has them. */
function removeTree(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    spawnSync('chmod', ['-R', 'u+rwX', folder])
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
