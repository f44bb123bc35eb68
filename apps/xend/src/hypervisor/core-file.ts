/** A domain's dump as a file: whole or not there, and with holes where the guest's memory is zero. */
import { open, rename, rm } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { CodedError, type RunningDomain } from '@paravane/core'

/** @throws CodedError FILE, DOMAIN_ENDED; there is no file then, or the one that was */
export async function writeCoreFile(domain: RunningDomain, path: string): Promise<void> {
  if (!isAbsolute(path)) throw new CodedError({ code: 'FILE', path }, `${path}: give the absolute path of a file`)
  const part = `${path}.part`
  try {
    const { size, pieces } = await domain.coreDump()
    const file = await open(part, 'w', 0o600)
    try {
      await file.truncate(size)
      for (const { offset, bytes } of pieces()) await writeAll(file, bytes, offset)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true }).catch(() => {})
    if (error instanceof CodedError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new CodedError({ code: 'FILE', path }, `${path}: the dump cannot be written (${code})`, { cause: error })
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done)
    done += bytesWritten
  }
}
