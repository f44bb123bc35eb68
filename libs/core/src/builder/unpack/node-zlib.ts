import { inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { UnpackError } from './unpack-error.ts'

/** Inflates a raw deflate stream that may end before `packed` does. `consumed` is its packed length. */
export function inflateRaw(packed: Uint8Array, maxBytes: number): { bytes: Uint8Array; consumed: number } {
  // @types/node does not know what `info` changes.
  const { buffer, engine } = orUnpackError(() =>
    inflateRawSync(packed, { maxOutputLength: maxBytes, info: true }),
  ) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
  return { bytes: buffer, consumed: engine.bytesWritten }
}

/** Unpacks a zstd frame. */
export function unzstd(packed: Uint8Array, maxBytes: number): Uint8Array {
  return orUnpackError(() => zstdDecompressSync(packed, { maxOutputLength: maxBytes }))
}

/** node:zlib throws plain errors, all of which here mean that the data is bad or too much. */
function orUnpackError<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UnpackError(`is damaged (${why})`, { cause: error })
  }
}
