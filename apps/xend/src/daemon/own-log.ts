/** xend's own log, as far as it lies in a file. */
import { fstatSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CodedError } from '@paravane/core'
import { logTail } from './log-tail.ts'

const STDERR = 2
/** Of the log's end, bytes. */
const SHOWN = 1 << 20

/** @throws CodedError `LOG_ELSEWHERE` what this process writes to its standard error does not get there */
export async function ownLog(path: string): Promise<string> {
  const own = fstatSync(STDERR)
  const there = await stat(path).catch(() => undefined)
  if (there?.ino === own.ino && there.dev === own.dev) return logTail(path, SHOWN)
  throw new CodedError(
    { code: 'LOG_ELSEWHERE', path },
    `xend does not write to ${path}: its messages go to who started it, such as systemd's journal (journalctl -u xend)`,
  )
}
