/** What is left of buffers of which the first `count` bytes are done. */
export function behind(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let done = count
  let first = 0
  for (; first < buffers.length; first++) {
    const { length } = buffers[first] as Uint8Array
    if (done < length) break
    done -= length
  }
  if (first === 0 && done === 0) return buffers
  const left = buffers.slice(first)
  if (done > 0) left[0] = (left[0] as Uint8Array).subarray(done)
  return left
}
