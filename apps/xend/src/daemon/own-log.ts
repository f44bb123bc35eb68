/** xend's own log, as far as it lies in a file. */
import { fstatSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { CodedError } from '@paravane/core'

const STDERR = 2
/** Of the log's end, bytes. */
export const SHOWN = 1 << 20

/** @throws CodedError `LOG_ELSEWHERE` what this process writes to its standard error does not get there */
export async function ownLog(path: string): Promise<string> {
  const own = fstatSync(STDERR)
  const there = await stat(path).catch(() => undefined)
  if (there === undefined || there.ino !== own.ino || there.dev !== own.dev) {
    throw new CodedError(
      { code: 'LOG_ELSEWHERE', path },
      `xend does not write to ${path}: its messages go to who started it, such as systemd's journal (journalctl -u xend)`,
    )
  }
  const file = await open(path)
  try {
    const from = Math.max(0, there.size - SHOWN)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(there.size - from), 0, there.size - from, from)
    const text = buffer.subarray(0, bytesRead).toString()
    // From the beginning of a line.
    return from === 0 ? text : text.slice(text.indexOf('\n') + 1)
  } finally {
    await file.close()
  }
}
