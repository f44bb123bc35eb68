/** The part of buffers, taken one after another, that begins at `from`. */
export function sliceBuffers(buffers: readonly Uint8Array[], from: number, length: number): Uint8Array[] {
  const slices: Uint8Array[] = []
  let skip = from
  let left = length
  for (const buffer of buffers) {
    if (left === 0) break
    if (skip >= buffer.length) {
      skip -= buffer.length
      continue
    }
    const slice = buffer.subarray(skip, Math.min(buffer.length, skip + left))
    slices.push(slice)
    left -= slice.length
    skip = 0
  }
  return slices
}

export function bytesOf(buffers: readonly Uint8Array[]): number {
  let bytes = 0
  for (const { length } of buffers) bytes += length
  return bytes
}
