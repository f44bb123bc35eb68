import { gzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { openKernelFile, unpackAhead } from '../../src/builder/kernel-file.ts'
import { PACK_FORMATS } from '../../src/builder/unpack/formats.ts'
import { CLOUD_LIKE, makeKernel } from './synthetic-kernel.ts'

const elf = makeKernel(CLOUD_LIKE)

test('what was unpacked ahead is not unpacked again, and not kept for longer than until it is asked for', () => {
  const packed = gzipSync(elf)
  const gunzip = vi.spyOn(PACK_FORMATS[0] as Required<(typeof PACK_FORMATS)[number]>, 'unpack')
  const opened = (): boolean => Buffer.compare(openKernelFile(packed, 'k').bytes, elf) === 0
  unpackAhead(packed, 'k')
  expect([opened(), gunzip.mock.calls.length]).toEqual([true, 1])
  expect([opened(), gunzip.mock.calls.length]).toEqual([true, 2])
})

test('a file that cannot be unpacked is told of when its domain is built', () => {
  const damaged = gzipSync(elf).subarray(0, 100)
  expect(() => unpackAhead(damaged, 'k')).not.toThrow()
  expect(() => openKernelFile(damaged, 'k')).toThrow(/the file is damaged/)
})
