import { expect, test } from 'vitest'
import { type CpioEntry, writeCpio } from '../../src/guest-image/cpio-newc.ts'

const ENTRIES: CpioEntry[] = [
  { type: 'directory', path: 'dev' },
  { type: 'character-device', path: 'dev/console', device: { major: 5, minor: 1 } },
  { type: 'file', path: 'init', mode: 0o755, data: Buffer.from('hello') },
  { type: 'symlink', path: 'sh', target: 'init' },
]

/** The records of an archive, each as `mode rdev nlink size name data`. */
function list(archive: Uint8Array): string[] {
  const bytes = Buffer.from(archive)
  const records: string[] = []
  let at = 0
  for (;;) {
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701')
    const field = (n: number): number => Number.parseInt(bytes.toString('latin1', at + 6 + n * 8, at + 14 + n * 8), 16)
    const [mode, links, size, nameSize] = [field(1), field(4), field(6), field(11)]
    const name = bytes.toString('latin1', at + 110, at + 110 + nameSize - 1)
    const data = (at + 110 + nameSize + 3) & ~3
    if (name === 'TRAILER!!!') return records
    const text = bytes.toString('latin1', data, data + size)
    records.push(`${mode.toString(8)} ${field(9)}:${field(10)} ${links} ${size} ${name} ${text}`.trimEnd())
    at = (data + size + 3) & ~3
  }
}

test('an archive lists its entries in order', () => {
  expect(list(writeCpio(ENTRIES))).toEqual([
    '40755 0:0 2 0 dev',
    '20600 5:1 1 0 dev/console',
    '100755 0:0 1 5 init hello',
    '120777 0:0 1 4 sh init',
  ])
})

test('an archive of one file has the bytes cpio writes', () => {
  const text = Buffer.from(writeCpio([{ type: 'file', path: 'a', data: Buffer.from('xyz') }])).toString('latin1')
  const zero = '00000000'
  const file = [
    '070701',
    '00000001',
    '000081a4',
    zero,
    zero,
    '00000001',
    zero,
    '00000003',
    zero,
    zero,
    zero,
    zero,
    '00000002',
    zero,
  ]
  const trailer = ['070701', zero, zero, zero, zero, '00000001', zero, zero, zero, zero, zero, zero, '0000000b', zero]
  const records = `${file.join('')}a\0xyz\0${trailer.join('')}TRAILER!!!\0`
  expect(text).toBe(records.padEnd(512, '\0'))
})

test('the same entries give the same bytes', () => {
  expect(writeCpio(ENTRIES)).toEqual(writeCpio(structuredClone(ENTRIES)))
})
