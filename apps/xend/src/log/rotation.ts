import { renameSync } from 'node:fs'

/** Older files beside the one that is written, FILE.1 the youngest: as classic xend kept its own. */
const KEPT = 5

/** Makes room for a new FILE.1; the oldest is gone. */
export function shiftLogs(file: string): void {
  for (let n = KEPT - 1; n >= 1; n--) renameIfThere(`${file}.${n}`, `${file}.${n + 1}`)
}

/** Makes room for a new FILE. */
export function shiftLog(file: string): void {
  shiftLogs(file)
  renameIfThere(file, `${file}.1`)
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
