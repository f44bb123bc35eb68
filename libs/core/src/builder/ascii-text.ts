/**
 * Text a kernel file has at the start of `bytes`, up to the first NUL. What is not printable ASCII becomes `?`: it would
 * reach the operator's terminal by way of messages, and no name in the ABI has it.
 */
export function asciiText(bytes: Uint8Array, maxBytes: number): string {
  const end = bytes.indexOf(0)
  const text = bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, maxBytes))
  return Buffer.from(text.buffer, text.byteOffset, text.length)
    .toString('latin1')
    .replace(/[^ -~]/g, '?')
}
