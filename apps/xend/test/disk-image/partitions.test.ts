import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { readFileAsDisk } from '../../src/disk-image/disk-reader.ts'
import { recogniseFileSystem } from '../../src/disk-image/file-system.ts'
import { FIRST_PARTITION_AT, GPT_TAIL_BYTES, gptBytes } from '../../src/disk-image/gpt.ts'
import { type PartitionTable, readPartitionTable } from '../../src/disk-image/partitions.ts'
import { diskOf, fileSystem, gptDisk, mbrSector } from './made-disks.ts'

const MIB = 1 << 20

async function tableOf(path: string): Promise<PartitionTable | undefined> {
  const disk = await readFileAsDisk(path)
  try {
    return await readPartitionTable(disk)
  } finally {
    await disk.close()
  }
}

test('a GPT that we write is read again', async () => {
  expect(await tableOf(gptDisk([Buffer.alloc(MIB), Buffer.alloc(3 * MIB)]))).toEqual({
    kind: 'gpt',
    sectorSize: 512,
    partitions: [
      { number: 1, offset: MIB, size: MIB, type: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709', name: 'p0', active: false },
      {
        number: 2,
        offset: 2 * MIB,
        size: 3 * MIB,
        type: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
        name: 'p1',
        active: false,
      },
    ],
  })
})

test('the kernel of this host, or blkid, finds the same in it', () => {
  const disk = gptDisk([fileSystem({ a: 'b' }, 2 * MIB)])
  const said = execFileSync('/sbin/blkid', ['-p', '-o', 'export', disk], { encoding: 'utf8' })
  expect(said).toContain('PTTYPE=gpt')
  expect(said).toContain('PTUUID=00000000-0000-4000-8000-0000000000ff')
})

test('partitions beyond the disk, and of no length, are left out', async () => {
  const disk = diskOf(4 * MIB, [
    [
      0,
      mbrSector([
        { type: 0x83, start: 2048, sectors: 2048 },
        { type: 0x83, start: 4096, sectors: 1 << 30 },
        { type: 0x82, start: 4096, sectors: 0 },
        { type: 0x82, start: 4096, sectors: 2048, active: true },
      ]),
    ],
  ])
  expect((await tableOf(disk))?.partitions).toMatchObject([
    { number: 1, offset: MIB, size: MIB, type: '83', active: false },
    { number: 4, offset: 2 * MIB, type: '82', active: true },
  ])
})

test('a chain of logical partitions that bites its tail has an end', async () => {
  const [extended, first, second] = [2048, 64, 128]
  const disk = diskOf(8 * MIB, [
    [0, mbrSector([{ type: 5, start: extended, sectors: 8192 }])],
    [
      extended * 512,
      mbrSector([
        { type: 0x83, start: first, sectors: 8 },
        { type: 5, start: second, sectors: 8 },
      ]),
    ],
    [
      (extended + second) * 512,
      mbrSector([
        { type: 0x83, start: first, sectors: 8 },
        { type: 5, start: 0, sectors: 8 },
      ]),
    ],
  ])
  expect((await tableOf(disk))?.partitions.map(({ number, offset }) => [number, offset])).toEqual([
    [5, (extended + first) * 512],
    [6, (extended + second + first) * 512],
  ])
  const round = diskOf(8 * MIB, [
    [0, mbrSector([{ type: 15, start: extended, sectors: 8192 }])],
    [
      extended * 512,
      mbrSector([
        { type: 0x83, start: first, sectors: 8 },
        { type: 5, start: second, sectors: 8 },
      ]),
    ],
    [
      (extended + second) * 512,
      mbrSector([
        { type: 0x83, start: first, sectors: 8 },
        { type: 5, start: second, sectors: 8 },
      ]),
    ],
  ])
  expect((await tableOf(round))?.partitions.length).toBe(2)
})

test.each([
  ['more entries than there is sense in', (head: Buffer) => head.writeUInt32LE(0xffffffff, 512 + 80)],
  ['entries of no size', (head: Buffer) => head.writeUInt32LE(0, 512 + 84)],
  ['a table beyond the end', (head: Buffer) => head.writeBigUInt64LE(2n ** 60n, 512 + 72)],
  ['a partition that has the table in it', (head: Buffer) => head.writeBigUInt64LE(0n, 1024 + 32)],
  ['a partition that ends before it begins', (head: Buffer) => head.writeBigUInt64LE(1n, 1024 + 40)],
])('a GPT of %s has no partitions', async (_, spoil) => {
  const partition = {
    offset: MIB,
    size: MIB,
    type: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
    uuid: '00000000-0000-4000-8000-000000000001',
    name: '',
  }
  const { head, tail } = gptBytes(4 * MIB, '00000000-0000-4000-8000-000000000000', [partition])
  spoil(head)
  const disk = diskOf(4 * MIB, [
    [0, head],
    [4 * MIB - GPT_TAIL_BYTES, tail],
  ])
  expect((await tableOf(disk))?.partitions).toEqual([])
})

test('a disk without a table, and one that is too small for one, has none', async () => {
  expect(await tableOf(diskOf(MIB, []))).toBeUndefined()
  expect(await tableOf(diskOf(512, [[0, mbrSector([{ type: 0x83, start: 1, sectors: 1 }])]]))).toBeUndefined()
  expect(await tableOf(diskOf(4 * MIB, [[0, fileSystem({ a: 'b' }, 4 * MIB)]]))).toBeUndefined()
})

test.each([
  ['ext4', fileSystem({}, 8 * MIB)],
  ['ext3', fileSystem({}, 8 * MIB, '-O', '^extent,^64bit,^flex_bg,^huge_file,^metadata_csum')],
  ['ext2', fileSystem({}, 8 * MIB, '-O', '^extent,^64bit,^flex_bg,^huge_file,^metadata_csum,^has_journal')],
  ['xfs', Buffer.concat([Buffer.from('XFSB'), Buffer.alloc(MIB)])],
  ['swap', Buffer.concat([Buffer.alloc(4086), Buffer.from('SWAPSPACE2'), Buffer.alloc(MIB)])],
  [undefined, Buffer.alloc(MIB, 7)],
])('%s is recognised', async (kind, bytes) => {
  const disk = await readFileAsDisk(diskOf(bytes.length + FIRST_PARTITION_AT, [[FIRST_PARTITION_AT, bytes]]))
  expect((await recogniseFileSystem(disk, FIRST_PARTITION_AT))?.kind).toBe(kind)
  await disk.close()
})

test('label, UUID and size of an ext file system', async () => {
  const uuid = '11111111-2222-4333-8444-555555555555'
  const disk = await readFileAsDisk(diskOf(8 * MIB, [[0, fileSystem({}, 8 * MIB, '-L', 'über', '-U', uuid)]]))
  expect(await recogniseFileSystem(disk)).toEqual({ kind: 'ext4', label: 'über', uuid, size: 8 * MIB })
  await disk.close()
})
