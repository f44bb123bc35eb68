/** The small parts of making images: sizes, names, progress, keys, sources, drafts. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hostSources, sourceLines } from '../../src/disk-image/debian/apt-sources.ts'
import { checkNamespaces } from '../../src/disk-image/debian/as-root.ts'
import { type DebianDiskRequest, makeDebianDisk } from '../../src/disk-image/debian/disk.ts'
import { publicKeys } from '../../src/disk-image/debian/keys.ts'
import { place, withDraft } from '../../src/disk-image/draft.ts'
import { planGrowth } from '../../src/disk-image/grow-table.ts'
import { imagePath, storageOf } from '../../src/disk-image/image-names.ts'
import { barProgress, lineProgress } from '../../src/disk-image/progress.ts'
import { runTool } from '../../src/disk-image/run-tool.ts'
import { readSize, showSize } from '../../src/disk-image/size.ts'
import { madeFolder } from './made-disks.ts'

const GIB = 2 ** 30

test.each([
  ['4G', 4 * GIB],
  ['4GiB', 4 * GIB],
  ['1.5g', 1.5 * GIB],
  ['512', GIB / 2],
  ['2T', 2048 * GIB],
  ['1K', 2 ** 20],
])('a size of %s', (text, bytes) => {
  expect(readSize(text, '--size')).toBe(bytes)
})

test.each(['', '0', 'G', '-1G', '17T', '4 x', '1e9'])("'%s' is no size", (text) => {
  expect(() => readSize(text, '--size')).toThrow(
    `--size must be a size such as 4G or 512M, at least 1M and at most 16T, not '${text}'`,
  )
})

test('sizes for people', () => {
  expect([0, 5, 2048, 4 * GIB].map(showSize)).toEqual(['0 B', '5 B', '2.0 KiB', '4.0 GiB'])
})

test('a name is an image of the folder, all else a path', () => {
  const path = (text: string): string => imagePath(text, '/home/u', '/state/images')
  expect(path('web')).toBe('/state/images/web.img')
  expect(imagePath('web', '/home/u', '/state/images', 'qcow2')).toBe('/state/images/web.qcow2')
  expect(path('./web')).toBe('/home/u/web')
  expect(path('web.img')).toBe('/home/u/web.img')
  expect(path('/x/web')).toBe('/x/web')
  expect(() => path('a,b.img')).toThrow(
    "'a,b.img' cannot be a disk's path: it has a comma or a line's end; choose another",
  )
  expect([storageOf('/i', 'raw'), storageOf('/i', 'qcow2'), storageOf('/i', 'vpc')]).toEqual([
    'file:/i',
    'tap:qcow2:/i',
    'tap:vhd:/i',
  ])
})

test('progress as lines: each step, and its quarters', () => {
  const lines: string[] = []
  const progress = lineProgress((line) => lines.push(line))
  progress.step('copying')
  for (let done = 0; done <= 100; done++) progress.part(done / 100)
  progress.say('a word')
  progress.end()
  expect(lines).toEqual(['copying ...', 'copying: 25 %', 'copying: 50 %', 'copying: 75 %', 'a word'])
})

test('progress as a bar: it fits the terminal, is drawn in place, and leaves nothing', () => {
  let shown = ''
  const progress = barProgress({ columns: 60, write: (text: string) => (shown += text) }, () => 0)
  progress.step('copying a disk whose name is far too long for this terminal')
  progress.part(0.5)
  progress.step('next')
  progress.part(0.5)
  progress.say('note')
  progress.end()
  const drawn = shown.split('\r\x1b[K')
  expect(drawn.every((line) => line.length <= 60)).toBe(true)
  expect(drawn).toContain('[############            ] next 50 % 0 s')
  expect(shown).toContain('note\n')
  expect(shown.endsWith('\r\x1b[K')).toBe(true)
})

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJrmeI1TWJvc3VmYWtla2V5 me@host'

test("the user's keys: of the file that is named, else of ~/.ssh", async () => {
  const home = madeFolder()
  mkdirSync(join(home, '.ssh'))
  expect(await publicKeys(undefined, home)).toEqual([])
  writeFileSync(join(home, '.ssh/id_b.pub'), `${KEY}\n`)
  writeFileSync(join(home, '.ssh/id_b'), '-----BEGIN OPENSSH PRIVATE KEY-----\n')
  writeFileSync(join(home, '.ssh/id_a.pub'), 'nonsense\n')
  expect(await publicKeys(undefined, home)).toEqual([KEY])
  const other = join(home, 'team')
  writeFileSync(other, `# us\n${KEY}\nfrom="10.0.0.0/8" ${KEY}\n\n`)
  expect(await publicKeys(other, home)).toEqual([KEY, `from="10.0.0.0/8" ${KEY}`])
  await expect(publicKeys(join(home, '.ssh/id_b'), home)).rejects.toThrow(
    /--ssh-key: .*id_b has no public key of SSH; name the file that ends in \.pub/,
  )
  await expect(publicKeys('/nowhere.pub', home)).rejects.toThrow('--ssh-key: cannot read /nowhere.pub: ENOENT')
})

test('Debian comes from where the host has it from', async () => {
  const ask = async (): Promise<string> =>
    'http://h/tool/ stable\nhttp://m/debian-security/ bookworm-security\nhttp://m/debian/ bookworm\nhttp://m/debian/ bookworm-updates\n'
  const sources = await hostSources(ask)
  expect(sources).toEqual({ mirror: 'http://m/debian/', security: 'http://m/debian-security/' })
  expect(sourceLines(sources, 'trixie')).toEqual([
    'deb http://m/debian/ trixie main',
    'deb http://m/debian/ trixie-updates main',
    'deb http://m/debian-security/ trixie-security main',
  ])
  expect(sourceLines(sources, 'sid')).toEqual(['deb http://m/debian/ sid main'])
  await expect(hostSources(async () => 'http://u/ubuntu/ noble\n')).rejects.toThrow(
    "this host's apt knows no mirror of Debian; name one: --mirror=URL",
  )
})

test('a draft is gone when it failed, and takes its place in one step when it did not', async () => {
  const folder = madeFolder()
  const path = join(folder, 'disk')
  // As one that was killed has left it.
  mkdirSync(join(folder, '.disk.making-999999999'))
  const work = withDraft(path, async (draft) => {
    writeFileSync(join(draft, 'half'), '')
    throw new Error('it failed')
  })
  await expect(work).rejects.toThrow('it failed')
  expect(readdirSync(folder)).toEqual([])
  await withDraft(path, async (draft) => {
    writeFileSync(join(draft, 'whole'), '')
    await place(join(draft, 'whole'), path)
  })
  expect(readdirSync(folder)).toEqual(['disk'])
  await expect(withDraft(path, (draft) => place(draft, path))).rejects.toThrow(
    `${path} is there already; remove it, or choose another name`,
  )
  expect(readdirSync(folder)).toEqual(['disk'])
})

test('a file system that is full: what for, and that nothing is left', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  await expect(withDraft('/tmp/disk-x', () => Promise.reject(full))).rejects.toThrow(
    'there is no room for /tmp/disk-x on its file system; free some, or name another place; nothing of it is left',
  )
  const write = (): Promise<string> => runTool({ path: 'dd', args: ['if=/dev/zero', 'of=/dev/full', 'count=1'] })
  await expect(withDraft('/tmp/disk-x', write)).rejects.toThrow('there is no room for /tmp/disk-x')
})

test('a program that fails is told with its last words', async () => {
  await expect(runTool({ path: 'sh', args: ['-c', 'echo one >&2; printf two >&2; exit 3'] })).rejects.toThrow(
    'sh failed: one; two',
  )
  await expect(runTool({ path: 'sh', args: ['-c', 'exit 3'] })).rejects.toThrow('sh failed: it ended with 3')
  expect(await runTool({ path: 'sh', args: ['-c', 'echo fine; exit 3'], fine: [3] })).toBe('fine\n')
})

const REQUEST: DebianDiskRequest = {
  path: '/nowhere/x',
  format: 'raw',
  size: GIB,
  release: 'bookworm',
  packages: [],
  hostname: 'a',
  login: 'me',
  password: '',
  refresh: false,
}

test.each([
  [{ hostname: 'a b' }, "--hostname must be letters, digits and -, at most 63, not 'a b'"],
  [{ login: 'root' }, "--user must be a login name of small letters, digits, - and _, not 'root'"],
  [{ release: '../x' }, "--release must be a release of Debian such as bookworm, not '../x'"],
  [{ packages: ['vim', '-o x'] }, "--packages must be names of packages with commas between them, which '-o x' is not"],
  [{ password: 'a\nb' }, '--password must be one line'],
  [{ mirror: 'h' }, "--mirror must be the URL of a mirror of Debian, not 'h'"],
])('what a Debian cannot be made of: %o', async (wrong, message) => {
  await expect(
    makeDebianDisk(
      { ...REQUEST, ...wrong },
      lineProgress(() => {}),
    ),
  ).rejects.toThrow(message)
})

test('a host that lets users have no namespaces is told of, and the way out', async () => {
  await expect(checkNamespaces(['--no-such-namespace'])).rejects.toThrow(
    /^this host lets you have no namespaces, in which a Debian is installed \(unshare failed: .*\); run it as root, or have them allowed \(sysctl /,
  )
})

test('partition tables of unusual forms are not grown', () => {
  const last = { number: 1, offset: 2 ** 20, size: 2 ** 20, type: '', name: '', active: false }
  const grow = (sectorSize: number) => () =>
    planGrowth(Buffer.alloc(2 ** 16), { kind: 'gpt', sectorSize, partitions: [last] }, last, 2 ** 23)
  expect(grow(4096)).toThrow(
    'the disk cannot be grown: the sectors of its partition table have 4096 bytes; make a larger one',
  )
  expect(grow(512)).toThrow('the disk cannot be grown: its partition table is of an unusual form; make a larger one')
})
