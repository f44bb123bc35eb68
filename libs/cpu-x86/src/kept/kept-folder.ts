import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'

const SUFFIX = '.regions'
/** Bytes of all files of all engines together, above which those not used for longest are removed. */
const ROOM = 256 << 20

/**
 * Makes a folder for compiled code, unless it is there.
 * @throws Error that says why code must not be kept there: what is in it is run as this user, so only this user may write to it
 */
export function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { uid, mode } = statSync(folder)
  if (process.getuid && uid !== process.getuid()) throw new Error(`${folder} belongs to another user`)
  if ((mode & 0o022) !== 0) throw new Error(`others may write to ${folder}; \`chmod go-w\` it`)
}

export function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => join(folder, name))
}

/** A name that no other process or thread has, now or before. */
export function newName(thread: number): string {
  return `${Date.now()}-${process.pid}-${thread}${SUFFIX}`
}

/** The file is to stay for longer than others. */
export function isUsed(path: string): void {
  const now = new Date()
  // Another process may have removed it.
  ignoringErrors(() => utimesSync(path, now, now))
}

/** Removes files of any engine until the others fit. Who reads one meanwhile goes on. */
export function makeRoom(root: string, room: number = ROOM): void {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(SUFFIX))
    .flatMap((name) => {
      const path = join(root, name)
      const stat = statSync(path, { throwIfNoEntry: false })
      return stat ? [{ path, size: stat.size, used: stat.mtimeMs }] : []
    })
  let left = room
  for (const { path, size } of files.sort((a, b) => b.used - a.used)) {
    left -= size
    if (left < 0) ignoringErrors(() => rmSync(path))
  }
}

function ignoringErrors(act: () => void): void {
  try {
    act()
  } catch {}
}
