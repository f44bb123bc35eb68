import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeptReader, KeptWriter, type RecordKind } from '../../src/kept/kept-file.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paravane-kept-'))
  path = join(folder, 'a')
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Written {
  readonly kind: RecordKind
  readonly module: number
  readonly heads: readonly number[]
  readonly first: readonly number[]
  readonly second: readonly number[]
}

const RECORDS: readonly Written[] = [
  { kind: 'module', module: 0, heads: [5, -7], first: [1, 2, 3], second: [4] },
  { kind: 'module', module: 1, heads: [9], first: [6, 6], second: [] },
  { kind: 'code', module: 0, heads: [], first: [200, 201], second: [] },
]

function write(records: readonly Written[]): Buffer {
  const writer = new KeptWriter(path)
  for (const { kind, module, heads, first, second } of records)
    writer.append({ kind, module, heads: Int32Array.from(heads) }, Uint8Array.from(first), Uint8Array.from(second))
  writer.close()
  return readFileSync(path)
}

/** What is read of a file, of damaged records nothing. */
function read(bytes: Uint8Array): Written[] {
  writeFileSync(path, bytes)
  const reader = new KeptReader(path)
  const found: Written[] = []
  for (const record of reader.records()) {
    const parts = reader.parts(record)
    const { kind, module, heads } = record
    if (parts) found.push({ kind, module, heads: [...heads], first: [...parts.first], second: [...parts.second] })
  }
  reader.close()
  return found
}

test('what was written is read', () => {
  expect(read(write(RECORDS))).toEqual(RECORDS)
})

test('a file that ends anywhere has the records before', () => {
  const whole = write(RECORDS)
  const lengths = RECORDS.map((_, n) => {
    rmSync(path)
    return write(RECORDS.slice(0, n + 1)).length
  })
  for (let end = 0; end <= whole.length; end++) {
    const complete = lengths.filter((length) => length <= end).length
    expect(read(whole.subarray(0, end)), `${end} bytes`).toEqual(RECORDS.slice(0, complete))
  }
})

test('no byte can be changed unseen', () => {
  const whole = write(RECORDS)
  for (let at = 0; at < whole.length; at++)
    for (const bits of [1, 0x80, 0xff]) {
      const damaged = Uint8Array.from(whole)
      damaged[at] ^= bits
      const found = read(damaged)
      expect(found.length, `byte ${at}`).toBeLessThan(RECORDS.length)
      for (const record of found) expect(RECORDS).toContainEqual(record)
    }
})

test('a file is written by one only', () => {
  write([])
  expect(() => new KeptWriter(path)).toThrow('EEXIST')
})
