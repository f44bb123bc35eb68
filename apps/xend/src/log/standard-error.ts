/** Standard error as a log: where it is a file of ours, the file stays small. */
import { constants, copyFileSync, fstatSync, statSync, truncateSync } from 'node:fs'
import { shiftLogs } from './rotation.ts'

const STDERR = 2
/** Names the file that standard error was opened to append to: see `startDetached`. */
export const LOG_FILE_VARIABLE = 'PARAVANE_LOG_FILE'

/**
 * Takes lines. The file is copied and emptied, not renamed: Node's own last words and those of other threads go to the same
 * descriptor.
 * @param limit bytes
 */
export function standardError(
  limit: number,
  file: string | undefined = process.env[LOG_FILE_VARIABLE],
): (line: string) => void {
  return (line) => {
    process.stderr.write(line)
    if (file === undefined || fstatSync(STDERR).size < limit || !isOpen(file)) return
    try {
      shiftLogs(file)
      copyFileSync(file, `${file}.1`, constants.COPYFILE_EXCL)
      truncateSync(file)
    } catch {
      // A full disk, most likely: nothing is to end for that, and the next line tries again.
    }
  }
}

/** Somebody may have moved it. */
function isOpen(file: string): boolean {
  const named = statSync(file, { throwIfNoEntry: false })
  const open = fstatSync(STDERR)
  return named?.ino === open.ino && named.dev === open.dev
}
