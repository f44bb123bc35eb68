import { open } from 'node:fs/promises'

/** The last lines of a log, of at most so many bytes; what was put aside as FILE.1 comes first. */
export async function logTail(path: string, bytes: number): Promise<string> {
  const last = await tailOf(path, bytes)
  const left = bytes - last.length
  const before = left > 0 ? await tailOf(`${path}.1`, left).catch(() => Buffer.alloc(0)) : Buffer.alloc(0)
  return Buffer.concat([before, last]).toString()
}

async function tailOf(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    // One byte more tells whether a line begins where the rest does.
    const from = Math.max(0, size - bytes - 1)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const read = buffer.subarray(0, bytesRead)
    return from === 0 && size <= bytes ? read : read.subarray(read.indexOf('\n') + 1)
  } finally {
    await file.close()
  }
}
