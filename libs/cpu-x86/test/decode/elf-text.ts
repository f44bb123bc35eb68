import { readFileSync } from 'node:fs'

/** The first `most` bytes of the code of an ELF64 file (its first executable segment); of any other file, its first bytes. */
export function machineCode(path: string, most: number): Uint8Array {
  const file = readFileSync(path)
  if (file.readUInt32BE(0) !== 0x7f454c46) return file.subarray(0, most)
  const table = Number(file.readBigUInt64LE(32))
  const entrySize = file.readUInt16LE(54)
  for (let n = 0; n < file.readUInt16LE(56); n++) {
    const at = table + n * entrySize
    const isExecutable = file.readUInt32LE(at) === 1 && (file.readUInt32LE(at + 4) & 1) === 1
    if (!isExecutable) continue
    const offset = Number(file.readBigUInt64LE(at + 8))
    return file.subarray(offset, offset + Math.min(most, Number(file.readBigUInt64LE(at + 32))))
  }
  return file.subarray(0, most)
}
