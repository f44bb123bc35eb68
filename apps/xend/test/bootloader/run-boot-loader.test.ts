import { access, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { isPygrub, runBootLoader } from '../../src/bootloader/run-boot-loader.ts'
import { readFileAsDisk } from '../../src/disk-image/disk-reader.ts'
import { diskOf, fileSystem, gptDisk, mbrSector } from '../disk-image/made-disks.ts'

const MIB = 1 << 20
const KERNEL = Buffer.alloc(3 * MIB + 17, 'a kernel ')
const CONFIG = `
menuentry 'First' { linux /boot/vmlinuz-1 root=/dev/xvda1 ro
initrd /boot/initrd-1 }
menuentry 'Second' { linux /vmlinuz root=/dev/xvda1
initrd /boot/initrd-1 /boot/more }
menuentry 'Gone' { linux /boot/vmlinuz-0 }
menuentry 'Up' { linux /boot/../../../../../etc/hostname }
menuentry 'Folder' { linux /boot }
menuentry 'Round' { linux /round }
`
const FILES = {
  'boot/grub/grub.cfg': CONFIG,
  'boot/vmlinuz-1': KERNEL,
  'boot/initrd-1': 'a ramdisk',
  'boot/more': ' and more',
  'etc/hostname': 'guest',
  vmlinuz: '-> /boot/vmlinuz-1',
  round: '-> /round',
} as const
const system = (): Buffer => fileSystem(FILES, 16 * MIB)

test('kernel, ramdisk and command line of the default entry, from the partition that has them; the files are private, and go', async () => {
  const boot = await runBootLoader({ disk: gptDisk([Buffer.alloc(MIB), system()]), extra: 'console=hvc0' })
  expect(boot).toMatchObject({ title: 'First', cmdline: 'root=/dev/xvda1 ro console=hvc0' })
  expect(boot.kernel).toMatch(/\/kernel-vmlinuz-1$/)
  expect((await readFile(boot.kernel)).equals(KERNEL)).toBe(true)
  expect(await readFile(boot.ramdisk ?? '', 'utf8')).toBe('a ramdisk')
  expect((await stat(dirname(boot.kernel))).mode & 0o777).toBe(0o700)
  await boot.release()
  await expect(access(dirname(boot.kernel))).rejects.toThrow('ENOENT')
})

test('an entry that the user asks for: links are followed, and ramdisks come one after another', async () => {
  const boot = await runBootLoader({
    disk: gptDisk([system()]),
    args: "--entry='Second' -q --args='single'",
    entry: '0',
  })
  expect(boot).toMatchObject({ title: 'Second', cmdline: 'root=/dev/xvda1 single' })
  expect((await readFile(boot.kernel)).equals(KERNEL)).toBe(true)
  expect(await readFile(boot.ramdisk ?? '', 'utf8')).toBe('a ramdisk and more')
  await boot.release()
})

test('a kernel that the user names, of a disk without partitions', async () => {
  const disk = diskOf(16 * MIB, [[0, system()]])
  const boot = await runBootLoader({ disk, kernel: '/boot/vmlinuz-1', ramdisk: '/boot/more', extra: 'root=/dev/xvda' })
  expect(boot).toMatchObject({ title: undefined, cmdline: 'root=/dev/xvda' })
  expect(await readFile(boot.ramdisk ?? '', 'utf8')).toBe(' and more')
  await boot.release()
})

test('the active partition comes first, and a logical one is found', async () => {
  const other = fileSystem({ 'extlinux.conf': 'label other\nkernel /k\n', k: 'the other' }, 4 * MIB)
  const [primary, extended, logical] = [2048, 2048 * 6, 64]
  const disk = (active: boolean): string =>
    diskOf(32 * MIB, [
      [
        0,
        mbrSector([
          { type: 0x83, start: primary, sectors: 8192, active },
          { type: 5, start: extended, sectors: 40_960 },
        ]),
      ],
      [primary * 512, other],
      [extended * 512, mbrSector([{ type: 0x83, start: logical, sectors: 32_768, active: !active }])],
      [(extended + logical) * 512, system()],
    ])
  for (const [active, title] of [
    [true, 'other'],
    [false, 'First'],
  ] as const) {
    const boot = await runBootLoader({ disk: disk(active) })
    expect(boot.title).toBe(title)
    await boot.release()
  }
})

test('a disk behind a reader is read through it, and stays open', async () => {
  const reader = await readFileAsDisk(gptDisk([system()]))
  let bytes = 0
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    bytes += length
    return reader.read(offset, length)
  }
  const boot = await runBootLoader({ disk: { ...reader, read }, diskName: 'tap:qcow2:x' })
  expect(boot.title).toBe('First')
  expect(bytes).toBeLessThan(12 * MIB)
  await boot.release()
  expect((await reader.read(0, 512)).length).toBe(512)
  await reader.close()
})

test('a file system that was not unmounted, of a newer kind, is read all the same', async () => {
  const bytes = fileSystem(FILES, 16 * MIB, '-O', 'orphan_file,metadata_csum_seed')
  // Feature orphan_present, as Linux sets it while there are any; the checksum is made anew by debugfs.
  const disk = diskOf(16 * MIB, [[0, bytes]])
  const { execFileSync } = await import('node:child_process')
  execFileSync('/usr/sbin/debugfs', ['-w', '-R', 'feature orphan_present needs_recovery', disk], { stdio: 'pipe' })
  const boot = await runBootLoader({ disk })
  expect(boot.title).toBe('First')
  await boot.release()
})

test.each([
  [
    'an entry that is not there',
    { args: '--entry=9' },
    /disk\.img: \/boot\/grub\/grub\.cfg of partition 1 has no entry '9'; it has 0: 'First', 1: 'Second'/,
  ],
  [
    'a kernel that is gone',
    { entry: 'Gone' },
    /disk\.img: there is no \/boot\/vmlinuz-0 in partition 1; choose another entry by bootargs = '--entry=N'/,
  ],
  ['a folder for a kernel', { entry: 'Folder' }, /there is no \/boot in partition 1/],
  ['a link to itself', { entry: 'Round' }, /there is no \/round in partition 1/],
  [
    'an argument of which nothing is known',
    { args: '--interactive' },
    /^Unknown option '--interactive'; pygrub's --entry=N or title, .* are known/,
  ],
])('%s is told', async (_, request, message) => {
  await expect(runBootLoader({ disk: gptDisk([system()]), ...request })).rejects.toThrow(message)
})

test('no path leads out of the disk', async () => {
  const boot = await runBootLoader({ disk: gptDisk([system()]), entry: 'Up' })
  expect(await readFile(boot.kernel, 'utf8')).toBe('guest')
  await boot.release()
})

test.each([
  [
    'an empty disk',
    () => diskOf(4 * MIB, []),
    'nothing to boot is there: no ext2, ext3 or ext4 file system (there is the disk: nothing known)',
  ],
  [
    'another file system',
    () => gptDisk([Buffer.alloc(MIB, 'XFSB')]),
    'no ext2, ext3 or ext4 file system (there is partition 1: xfs)',
  ],
  [
    'a file system without a kernel',
    () => gptDisk([fileSystem({ a: 'b' }, 4 * MIB)]),
    'nothing to boot is there: no /boot/grub/grub.cfg, ',
  ],
  [
    'a configuration without one',
    () => gptDisk([fileSystem({ 'boot/grub/grub.cfg': 'set default=0' }, 4 * MIB)]),
    '/boot/grub/grub.cfg of partition 1 starts no kernel: it has no entry with one; name the kernel',
  ],
  [
    'a configuration that is far too large',
    () => gptDisk([fileSystem({ 'boot/grub/grub.cfg': Buffer.alloc(2 * MIB) }, 8 * MIB)]),
    '/boot/grub/grub.cfg has 2097152 bytes, more than the 1048576 that are read of such a file',
  ],
])('%s: what was looked for, and where', async (_, disk, message) => {
  await expect(runBootLoader({ disk: disk() })).rejects.toThrow(message)
})

test('a disk that cannot be read: no such file, one that ends early, one that answers too late', async () => {
  await expect(runBootLoader({ disk: '/nowhere/disk.img' })).rejects.toThrow(
    'cannot read the disk /nowhere/disk.img: ENOENT: no such file or directory',
  )
  const failing = { size: MIB, read: () => Promise.reject(new Error('the server is gone')), close: async () => {} }
  await expect(runBootLoader({ disk: failing, diskName: 'nbd:h' })).rejects.toThrow('nbd:h: the server is gone')
  const silent = { size: MIB, read: () => new Promise<Uint8Array>(() => {}), close: async () => {} }
  await expect(runBootLoader({ disk: silent, limitMs: 300 })).rejects.toThrow('the disk: it was not read in 0.3 s')
})

test('what a config calls it', () => {
  expect(['pygrub', '/usr/bin/pygrub', '/usr/lib/xen-4.17/bin/pygrub'].every(isPygrub)).toBe(true)
  expect(['grub', 'pygrub2', '/usr/bin/pygrub.old', ''].some(isPygrub)).toBe(false)
})
