/** Images made, taken over, cloned and grown by the programs of the host. */
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openStorage } from '@paravane/dev-blk'
import { expect, test } from 'vitest'
import { readFileAsDisk } from '../../src/disk-image/disk-reader.ts'
import { recogniseFileSystem } from '../../src/disk-image/file-system.ts'
import { readImageHeader } from '../../src/disk-image/image-format.ts'
import { listImages } from '../../src/disk-image/list-images.ts'
import { cloneImage, importImage, makeEmptyImage } from '../../src/disk-image/make-image.ts'
import { readPartitionTable } from '../../src/disk-image/partitions.ts'
import { lineProgress } from '../../src/disk-image/progress.ts'
import { growDisk } from '../../src/disk-image/resize.ts'
import { obtainProgram } from '../../src/guest-image/host-program.ts'
import { diskOf, fileSystem, gptDisk, madeFolder, mbrSector } from './made-disks.ts'

const MIB = 1 << 20
const quiet = lineProgress(() => {})
const qemuImg = await obtainProgram('qemu-img', 'qemu-utils', () => {})
const convert = (...args: string[]): void =>
  void execFileSync(qemuImg.path, args, { env: { ...process.env, ...qemuImg.environment } })

const GRUB = "menuentry 'Linux' { linux /vmlinuz root=/dev/sda1 ro\ninitrd /initrd }"
const system = (): Buffer =>
  fileSystem({ 'boot/grub/grub.cfg': GRUB, vmlinuz: Buffer.alloc(MIB, 'x'), initrd: 'r' }, 16 * MIB, '-L', 'root')

test('an empty disk takes no room, and keeps what was there', async () => {
  const path = join(madeFolder(), 'empty.img')
  await makeEmptyImage(path, 64 * MIB, 'raw', quiet)
  expect(statSync(path)).toMatchObject({ size: 64 * MIB, blocks: 0 })
  await expect(makeEmptyImage(path, MIB, 'raw', quiet)).rejects.toThrow('is there already')
  expect(statSync(path).size).toBe(64 * MIB)
  const packed = join(madeFolder(), 'empty.qcow2')
  await makeEmptyImage(packed, 64 * MIB, 'qcow2', quiet)
  expect(await readImageHeader(packed)).toEqual({ format: 'qcow2', virtualSize: 64 * MIB })
}, 60_000)

test.each([
  ['qcow2', 'qcow2'],
  ['vmdk', 'vmdk'],
  ['vpc', 'vpc'],
  ['vhdx', 'vhdx'],
  ['raw', 'raw'],
])(
  'an image in %s becomes a raw one with the same bytes, and it is said what is on it',
  async (format, known) => {
    const disk = gptDisk([system()])
    const from = join(madeFolder(), `disk.${format}`)
    convert('convert', '-f', 'raw', '-O', format, disk, from)
    expect((await readImageHeader(from)).format).toBe(known)
    const path = join(madeFolder(), 'disk.img')
    const found = await importImage(from, path, quiet)
    const [was, is] = [readFileSync(disk), readFileSync(path)]
    // A VHD counts in cylinders.
    expect(is.subarray(0, was.length).equals(was)).toBe(true)
    expect(found).toMatchObject({
      table: 'gpt',
      parts: [{ number: 1, holds: 'ext4', label: 'root' }],
      boot: { title: 'Linux', kernel: 'vmlinuz', cmdline: 'root=/dev/sda1 ro' },
    })
    expect(found.advice).toEqual([
      expect.stringMatching(
        /^kernel vmlinuz: neither an ELF file nor a bzImage; .*; install a Linux kernel for Xen guests on it/,
      ),
      expect.stringMatching(
        /^its kernel is told to find its root on \/dev\/sda; a paravirtual disk is \/dev\/xvda: name it by UUID/,
      ),
      expect.stringMatching(/^its kernel is not told of the console: add extra='console=hvc0'/),
    ])
    expect(statSync(path).blocks * 512).toBeLessThan(8 * MIB)
  },
  60_000,
)

test('a file system without partitions: how it is given to a guest', async () => {
  const path = join(madeFolder(), 'disk.img')
  const found = await importImage(diskOf(16 * MIB, [[0, fileSystem({ a: 'b' }, 16 * MIB)]]), path, quiet)
  expect(found).toMatchObject({ table: 'none', parts: [{ number: 0, holds: 'ext4' }], boot: undefined })
  expect(found.advice).toEqual([
    expect.stringMatching(
      /^pygrub finds nothing to boot \(the disk: nothing to boot is there: .*\); give the guest a kernel and a ramdisk/,
    ),
    "it is a file system without partitions: give it to the guest as one, xvda1, with root='/dev/xvda1 ro'",
  ])
}, 60_000)

test('an image that would have another file of the host read is refused', async () => {
  const folder = madeFolder()
  const evil = join(folder, 'evil.qcow2')
  convert('create', '-q', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', evil)
  await expect(importImage(evil, join(folder, 'out.img'), quiet)).rejects.toThrow(
    `${evil} refers to another file, /etc/passwd; have it made whole where it was made: qemu-img convert -O qcow2 ${evil} WHOLE`,
  )
  const data = join(folder, 'data.qcow2')
  convert('create', '-q', '-f', 'qcow2', '-o', `data_file=${join(folder, 'data.raw')},data_file_raw=on`, data, '1M')
  await expect(importImage(data, join(folder, 'out.img'), quiet)).rejects.toThrow('refers to another file')
  const vmdk = join(folder, 'evil.vmdk')
  writeFileSync(
    vmdk,
    '# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 2 FLAT "/etc/passwd" 0\n',
  )
  await expect(importImage(vmdk, join(folder, 'out.img'), quiet)).rejects.toThrow('refers to another file, /etc/passwd')
  expect((await readdir(folder)).filter((name) => name.startsWith('out') || name.startsWith('.'))).toEqual([])
}, 60_000)

test('what cannot be imported: no file, a damaged one', async () => {
  const folder = madeFolder()
  const out = join(folder, 'out.img')
  await expect(importImage(join(folder, 'none'), out, quiet)).rejects.toThrow(
    /cannot read .*none: ENOENT.*; name an image that is there/,
  )
  const torn = join(folder, 'torn.qcow2')
  convert('create', '-q', '-f', 'qcow2', torn, '1M')
  const file = openSync(torn, 'r+')
  ftruncateSync(file, 50)
  closeSync(file)
  await expect(importImage(torn, out, quiet)).rejects.toThrow(
    /torn\.qcow2 is no image that can be read: .*qemu-img failed/,
  )
}, 60_000)

test('a clone has the bytes of its base, and is listed with it', async () => {
  const base = gptDisk([system()])
  const clone = join(dirname(base), 'clone.qcow2')
  await cloneImage(base, clone, quiet)
  const whole = join(madeFolder(), 'whole')
  convert('convert', '-O', 'raw', clone, whole)
  expect(readFileSync(whole).equals(readFileSync(base))).toBe(true)
  expect(await listImages(dirname(base))).toMatchObject([
    { name: 'clone.qcow2', format: 'qcow2', size: statSync(base).size, backing: base },
    { name: 'disk.img', format: 'raw', size: statSync(base).size },
  ])
  await expect(cloneImage('/nowhere', join(dirname(base), 'x'), quiet)).rejects.toThrow('cannot read /nowhere: ENOENT')
  expect(await listImages('/nowhere/at/all')).toEqual([])
}, 60_000)

async function lastPart(
  path: string,
): Promise<{ kind?: string; offset: number; room: number; used?: number; table?: string }> {
  const disk = await readFileAsDisk(path)
  const table = await readPartitionTable(disk)
  const last = table?.partitions.at(-1)
  const found = await recogniseFileSystem(disk, last?.offset ?? 0)
  await disk.close()
  return { kind: table?.kind, offset: last?.offset ?? 0, room: last?.size ?? disk.size, used: found?.size }
}

function check(path: string, offset: number): void {
  execFileSync('/sbin/e2fsck', ['-f', '-n', `${path}?offset=${offset}`], { stdio: 'pipe' })
}

test.each([
  ['with a GPT', () => gptDisk([Buffer.alloc(MIB), system()]), 197],
  [
    'with an MBR',
    () =>
      diskOf(17 * MIB, [
        [0, mbrSector([{ type: 0x83, start: 2048, sectors: 32_768 }])],
        [MIB, system()],
      ]),
    199,
  ],
  ['without partitions', () => diskOf(16 * MIB, [[0, system()]]), 200],
])(
  'a disk %s grows with its file system, and nothing in it is lost',
  async (_, made, rooms) => {
    const path = made()
    const before = await lastPart(path)
    await growDisk(path, 200 * MIB, quiet)
    expect(statSync(path).size).toBe(200 * MIB)
    const after = await lastPart(path)
    expect(after).toMatchObject({ kind: before.kind, offset: before.offset, room: rooms * MIB, used: rooms * MIB })
    check(path, after.offset)
    const kernel = execFileSync('/sbin/debugfs', ['-R', 'cat /vmlinuz', `${path}?offset=${after.offset}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 * MIB,
    })
    expect(kernel.equals(Buffer.alloc(MIB, 'x'))).toBe(true)
    if (before.kind === 'gpt') {
      const said = execFileSync('/sbin/blkid', ['-p', '-o', 'export', path], { encoding: 'utf8' })
      expect(said).toContain('PTTYPE=gpt')
      // The copy of the table is at the new end.
      expect(readFileSync(path).toString('latin1', 200 * MIB - 512, 200 * MIB - 504)).toBe('EFI PART')
    }
  },
  60_000,
)

test('a disk grows by a link to it, and keeps its rights; a second time it is grown again', async () => {
  const path = gptDisk([system()])
  const link = join(madeFolder(), 'link.img')
  symlinkSync(path, link)
  execFileSync('chmod', ['640', path])
  await growDisk(link, 64 * MIB, quiet)
  await growDisk(link, 65 * MIB, quiet)
  expect((await stat(path)).size).toBe(65 * MIB)
  expect((await stat(path)).mode & 0o777).toBe(0o640)
  check(path, MIB)
  expect((await readdir(dirname(path))).sort()).toEqual(['disk.img'])
}, 60_000)

test('what is on it may be for the guest to grow', async () => {
  const path = gptDisk([system(), Buffer.alloc(MIB)])
  expect(await growDisk(path, 64 * MIB, quiet)).toEqual([
    'the disk has 64.0 MiB',
    expect.stringMatching(/^partition 2 has 4\d\.0 MiB$/),
    'what it holds (nothing known) is for the guest to grow',
  ])
  check(path, MIB)
})

test('what is not resized: smaller, other formats, a disk in use, a logical partition, a damaged file system', async () => {
  const path = gptDisk([system()])
  await expect(growDisk(path, 8 * MIB, quiet)).rejects.toThrow(
    /has 18\.0 MiB and is not made smaller, as files at its end would be lost; make a smaller disk/,
  )
  await expect(growDisk('/nowhere.img', MIB, quiet)).rejects.toThrow('cannot read /nowhere.img: ENOENT')
  const held = await openStorage(`file:${path}`, 'w', '')
  const size = statSync(path).size
  const other = execFileSync(process.execPath, [
    ...['--conditions=@paravane/source', new URL('grow-disk.ts', import.meta.url).pathname, path],
  ]).toString()
  expect(other).toContain('another process of Paravane has it')
  await held.close()
  expect(statSync(path).size).toBe(size)
  const packed = join(madeFolder(), 'x.qcow2')
  convert('create', '-q', '-f', 'qcow2', packed, '1M')
  await expect(growDisk(packed, 2 * MIB, quiet)).rejects.toThrow(
    /is of format qcow2: only raw images are resized; make it one: xm image import/,
  )
  const logical = diskOf(32 * MIB, [
    [0, mbrSector([{ type: 5, start: 2048, sectors: 60_000 }])],
    [MIB, mbrSector([{ type: 0x83, start: 64, sectors: 8192 }])],
  ])
  await expect(growDisk(logical, 64 * MIB, quiet)).rejects.toThrow(
    'the disk cannot be grown: its last partition is a logical one; make a larger one and copy it in the guest',
  )
  const bytes = system()
  bytes.fill(0xff, 4096, 2 * MIB)
  const damaged = diskOf(16 * MIB, [[0, bytes]])
  await expect(growDisk(damaged, 64 * MIB, quiet)).rejects.toThrow(
    /its file system cannot be grown: .*; boot the guest to mend it/,
  )
  expect(readFileSync(damaged).equals(bytes)).toBe(true)
}, 60_000)
