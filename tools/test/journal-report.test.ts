import { expect, test } from 'vitest'
import { readReport } from '../accept/devices/journal-report.ts'

/** Of xvdb, of which RUN:RECORD is known; the guest's run is 8. */
const report = (known: string, ...lines: readonly string[]) =>
  readReport(lines.map((line) => `${line}\r\n`).join(''), 'xvdb', known, 8)

test('what was durable is there, and what is durable now is known for the next guest', () => {
  const shown = ['@intact xvdb 64', '@looked xvdb', '@intact xvdc 3', '@ack xvdb 0', '@ack xvdc 7', '@ack xvdb 1']
  expect(report('7:120', ...shown)).toEqual({ faults: [], records: 2, lookedFor: 64, known: '8:1' })
})

test('records that are lost are named, and the disk goes on with a new file system', () => {
  const shown = ['@lost xvdb 120', '@lost xvdb 118', '@lost xvdc 4', '@anew xvdb', '@ack xvdb 0']
  const { faults, known } = report('7:120', ...shown)
  expect(faults).toEqual(['record 120, 118 lost, of those that were durable up to 7:120'])
  expect(known).toBe('8:0')
})

test('damage that e2fsck finds comes with its words', () => {
  const shown = ['@intact xvdb 2', '@fault xvdb e2fsck finds damage', '@e2fsck xvdb Inode 12 ...', '@anew xvdb']
  const { faults, known } = report('7:1', ...shown)
  expect(faults).toEqual(['e2fsck finds damage', 'Inode 12 ...'])
  expect(known).toBe('new')
})

test('a guest that did not look is a fault, and the next has the same to look for', () => {
  expect(report('7:120')).toMatchObject({ faults: ['nobody looked at it'], known: '7:120' })
  expect(report('none')).toMatchObject({ faults: ['nobody looked at it'], known: 'none' })
  expect(report('7:120', '@looked xvdb')).toMatchObject({ faults: ['nobody looked for its records'], known: 'none' })
  expect(report('new')).toMatchObject({ faults: [], known: 'new' })
})

test('a line that a kill cut short says nothing', () => {
  expect(readReport('@ack xvdb 11\r\n@ack xvdb 1', 'xvdb', 'new', 8).known).toBe('8:11')
})

test('neither does one into which the kernel has written', () => {
  expect(report('new', '@ack xvdb 11', '@ack xvdb 1[    9.6] EXT4-fs error (device xvdb)').known).toBe('8:11')
})
