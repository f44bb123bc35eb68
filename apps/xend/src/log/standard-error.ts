/** Standard error as a log: where it is a file of ours, the file stays small. */
import { constants, copyFileSync, fstatSync, statSync, truncateSync, writeSync } from 'node:fs'
import { shiftLogs } from './rotation.ts'

const STDERR = 2
/** Names the file that standard error was opened to append to: see `startDetached`. */
export const LOG_FILE_VARIABLE = 'PARAVANE_LOG_FILE'

/**
 * Takes lines. What cannot be written, on a full disk or to a reader that is gone, is lost, and nothing ends for that. The file is
 * copied and emptied, not renamed: Node's own last words and those of other threads go to the same descriptor.
 * @param limit bytes
 */
export function standardError(
  limit: number,
  file: string | undefined = process.env[LOG_FILE_VARIABLE],
): (line: string) => void {
  process.stderr.on('error', () => {})
  return (line) => {
    if (file === undefined) {
      process.stderr.write(line)
      return
    }
    try {
      writeSync(STDERR, line)
      if (fstatSync(STDERR).size >= limit && isOpen(file)) putAside(file)
    } catch {
      // The next line tries again.
    }
  }
}

function putAside(file: string): void {
  shiftLogs(file)
  copyFileSync(file, `${file}.1`, constants.COPYFILE_EXCL)
  truncateSync(file)
}

/** Somebody may have moved it. */
function isOpen(file: string): boolean {
  const named = statSync(file, { throwIfNoEntry: false })
  const open = fstatSync(STDERR)
  return named?.ino === open.ino && named.dev === open.dev
}
