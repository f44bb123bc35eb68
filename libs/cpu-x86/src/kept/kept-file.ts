import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/**
 * A file of records, each appended by one write: {u32 magic, kind, module, heads, first, second, checksum of the body, of the header and
 * the heads} heads first second. What follows a record that is none is not read: a process may have ended while it wrote.
 */
const MAGIC = 0x314b5650
const HEADER = 32
/** Bytes of one part at most. */
const MOST = 1 << 28

/** The modules, with what is known of their regions; machine code of a module that is in the file. */
export type RecordKind = 'module' | 'code'
const KINDS: readonly RecordKind[] = ['module', 'code']

export interface KeptRecord {
  readonly kind: RecordKind
  /** Number of the module, within the file. */
  readonly module: number
  /** `headOf` each of its regions' entries. */
  readonly heads: Int32Array<ArrayBuffer>
}

/** Where its two parts are. */
export interface PlacedRecord extends KeptRecord {
  readonly at: number
  readonly first: number
  readonly second: number
  readonly checksum: number
}

/** Writes a new file. */
export class KeptWriter {
  readonly #fd: number
  #bytes = 0

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600)
  }

  get bytes(): number {
    return this.#bytes
  }

  append({ kind, module, heads }: KeptRecord, first: Uint8Array, second: Uint8Array): void {
    const words = new Uint32Array(HEADER / 4)
    const checksum = crc32(second, crc32(first))
    words.set([MAGIC, KINDS.indexOf(kind), module, heads.length, first.length, second.length, checksum])
    words[7] = checksumOf(words, heads)
    const parts = [words, heads, first, second].map(
      (part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
    )
    this.#bytes += writeSync(this.#fd, Buffer.concat(parts))
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Reads a file that others may still write. */
export class KeptReader {
  readonly #fd: number

  /** @throws if there is no such file, or no right to read it */
  constructor(path: string) {
    this.#fd = openSync(path, 'r')
  }

  /** Its records, up to the first that is none. */
  *records(): Generator<PlacedRecord> {
    const words = new Uint32Array(HEADER / 4)
    for (let at = 0; this.#read(words, at); ) {
      const [magic, kind, module, count, first, second, checksum, own] = words
      if (magic !== MAGIC || kind >= KINDS.length || Math.max(count * 4, first, second) > MOST) return
      const heads = new Int32Array(count)
      if (!this.#read(heads, at + HEADER) || own !== checksumOf(words, heads)) return
      const body = at + HEADER + heads.byteLength
      yield { kind: KINDS[kind], module, heads, at: body, first, second, checksum }
      at = body + first + second
    }
  }

  /** Its two parts; undefined where they are not what was written. */
  parts({
    at,
    first,
    second,
    checksum,
  }: PlacedRecord): { first: Uint8Array<ArrayBuffer>; second: Uint8Array<ArrayBuffer> } | undefined {
    const body = new Uint8Array(first + second)
    if (!this.#read(body, at) || crc32(body) !== checksum) return undefined
    return { first: body.slice(0, first), second: body.slice(first) }
  }

  #read(into: Uint32Array | Int32Array | Uint8Array, at: number): boolean {
    return into.byteLength === 0 || readSync(this.#fd, into, 0, into.byteLength, at) === into.byteLength
  }

  close(): void {
    closeSync(this.#fd)
  }
}

function checksumOf(words: Uint32Array, heads: Int32Array): number {
  const bytes = (part: Uint32Array | Int32Array) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
  return crc32(bytes(heads), crc32(bytes(words.subarray(0, 7))))
}
