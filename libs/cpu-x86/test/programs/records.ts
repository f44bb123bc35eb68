/**
 * What a host's CPU made of random programs: `records.bin`, written by tools/record-programs/record.ts. After a header, one entry
 * for each program: seed, a check of the program (the generator and the instruction table may have changed since), the vector of
 * the exception it ended by, and the hash of its final state.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { HASH_BYTES, hashOf } from './final-state.ts'
import { CODE_BYTES, type Final, type Program } from './layout.ts'

export const RECORDS: string = fileURLToPath(new URL('./records.bin', import.meta.url))

export interface ProgramRecord {
  readonly seed: number
  readonly check: number
  readonly vector: number
  readonly hash: Uint8Array
}

const MAGIC = 0x31525056
const HEADER_BYTES = 8
const ENTRY_BYTES = 7 + HASH_BYTES

/** Of its code and undefined flags, the registers and the data that all other data repeats. */
export function checkOf({ entry, image, gpr, rflags, fx, undefinedFlags }: Program): number {
  const state = [new Uint32Array([entry, rflags]), gpr, fx, image.subarray(0, CODE_BYTES + 1024), undefinedFlags]
  const bytes = Buffer.concat(
    state.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  )
  return hash('sha1', bytes, 'buffer').readUInt16LE(0)
}

export function recordOf(program: Program, final: Final): ProgramRecord {
  return { seed: program.seed, check: checkOf(program), vector: final.vector, hash: hashOf(program, final) }
}

export function encodeRecords(records: readonly ProgramRecord[]): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + records.length * ENTRY_BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(records.length, 4)
  for (const [n, record] of records.entries()) {
    const at = HEADER_BYTES + n * ENTRY_BYTES
    bytes.writeUInt32LE(record.seed, at)
    bytes.writeUInt16LE(record.check, at + 4)
    bytes.writeUInt8(record.vector, at + 6)
    bytes.set(record.hash, at + 7)
  }
  return bytes
}

export function readRecords(path: string = RECORDS): ProgramRecord[] {
  const bytes = readFileSync(path)
  const count = bytes.readUInt32LE(4)
  if (bytes.readUInt32LE(0) !== MAGIC || bytes.length !== HEADER_BYTES + count * ENTRY_BYTES)
    throw new RangeError(`${path} is not a file of records: write it anew by tools/record-programs/record.ts`)
  return Array.from({ length: count }, (_, n) => {
    const at = HEADER_BYTES + n * ENTRY_BYTES
    return {
      seed: bytes.readUInt32LE(at),
      check: bytes.readUInt16LE(at + 4),
      vector: bytes.readUInt8(at + 6),
      hash: bytes.subarray(at + 7, at + ENTRY_BYTES),
    }
  })
}
