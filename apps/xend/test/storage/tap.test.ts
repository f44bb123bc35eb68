import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { HostPrograms } from '@paravane/core'
import { TAP_FORMATS, tapDriver } from '@paravane/dev-blk'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { daemons } from './daemons.ts'
import { Place, pattern, readBack } from './place.ts'

const SIZE = 64 << 20
let place: Place
beforeAll(async () => {
  place = await Place.make(['qemu-storage-daemon'])
  // What disks leave behind is seen, and is the test's own.
  process.env.TMPDIR = place.folder
})
afterEach(() => place.closeDisks())
afterAll(() => place.close())

const driver = (format: string) => tapDriver(`tap:${format}`, TAP_FORMATS[format]!, place.programs)

async function image(format: string, name: string = `${format}-${Math.random()}`): Promise<string> {
  const path = place.path(name)
  await place.run('qemu-img', 'create', '-q', '-f', TAP_FORMATS[format]!, path, String(SIZE))
  return path
}

describe.each(['qcow2', 'vhd', 'vmdk', 'qcow', 'vdi'])('tap:%s', (format) => {
  test('keeps what is written, in the format that it says', async () => {
    const path = await image(format)
    const disk = await place.open(driver(format), path)
    expect(disk.size).toBeGreaterThanOrEqual(SIZE)
    const data = pattern(300_032)
    await disk.write(1 << 20, [data.subarray(0, 512), data.subarray(512)])
    await disk.flush()
    expect(Buffer.compare(await readBack(disk, 1 << 20, data.length), data)).toBe(0)
    expect((await readBack(disk, 8 << 20, 4096)).every((byte) => byte === 0)).toBe(true)
    await disk.close()
    expect(daemons(path)).toEqual([])
    const raw = place.path('raw')
    await place.run('qemu-img', 'convert', '-f', TAP_FORMATS[format]!, '-O', 'raw', path, raw)
    expect(Buffer.compare(readFileSync(raw).subarray(1 << 20, (1 << 20) + data.length), data)).toBe(0)
  })
})

test('the daemon is killed: the disk goes on, and what a flush acknowledged is there', async () => {
  const path = await image('qcow2')
  const disk = await place.open(driver('qcow2'), path)
  const data = pattern(1 << 20)
  await disk.write(0, [data])
  await disk.flush()
  const [before] = daemons(path)
  process.kill(before!, 'SIGKILL')
  expect(Buffer.compare(await readBack(disk, 0, data.length), data)).toBe(0)
  expect(daemons(path)).not.toEqual([before])
  await disk.flush()
})

test('the daemon is killed with writes that nobody flushed: they are done again', async () => {
  const path = await image('qcow2')
  const disk = await place.open(driver('qcow2'), path)
  const data = pattern(4 << 20)
  for (let round = 0; round < 5; round++) {
    for (let at = 0; at < data.length; at += 65_536) await disk.write(at, [data.subarray(at, at + 65_536)])
    process.kill(daemons(path)[0]!, 'SIGKILL')
    await disk.flush()
    process.kill(daemons(path)[0]!, 'SIGKILL')
    expect(Buffer.compare(await readBack(disk, 0, data.length), data)).toBe(0)
    data.reverse()
  }
})

test('it is killed with more of them than are kept: the next flush says so, once', async () => {
  const path = await image('qcow2')
  const disk = await place.open(driver('qcow2'), path)
  for (let at = 0; at < 48 << 20; at += 1 << 20) await disk.write(at, [pattern(1 << 20)])
  process.kill(daemons(path)[0]!, 'SIGKILL')
  await readBack(disk, 0, 512)
  await expect(disk.flush()).rejects.toThrow('writes since the last flush may be lost')
  await disk.flush()
})

test('the hypervisor is killed: its daemon ends by itself, and the image can be opened again', async () => {
  const path = await image('qcow2')
  const program = fileURLToPath(new URL('./killed-user.ts', import.meta.url))
  const args = ['--conditions=@paravane/source', program, `tap:qcow2:${path}`, place.programs.folder!]
  const user = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(user.stdout, 'data')
  expect(daemons(path)).toHaveLength(1)
  user.kill('SIGKILL')
  const disk = await place.open(driver('qcow2'), path)
  expect(Buffer.compare(await readBack(disk, 0, 4096), Buffer.alloc(4096, 0x5a))).toBe(0)
  expect(daemons(path)).toHaveLength(1)
})

test('an image that another process writes is refused, and by whom it is used is said', async () => {
  const path = await image('qcow2')
  const { path: program, environment } = await place.programs.need('qemu-nbd', 'qemu-utils', 'the test')
  const socket = place.path('nbd')
  const other = spawn(program, ['-t', '-f', 'qcow2', '-k', socket, path], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  })
  await expect.poll(() => readdirSync(place.folder)).toContain('nbd')
  const opened = place.open(driver('qcow2'), path)
  await expect(opened).rejects.toThrow(
    `tap:qcow2:${path}: it is in use by process ${other.pid} (qemu-nbd): end that use first`,
  )
  other.kill()
  await once(other, 'exit')
})

test('an image that is taken away fails what is asked for, until it is put back', async () => {
  const path = await image('qcow2')
  const disk = await place.open(driver('qcow2'), path)
  await disk.write(0, [pattern(512)])
  renameSync(path, `${path}-gone`)
  await expect(disk.flush()).rejects.toThrow(`${path}: it was removed or renamed; put it back`)
  renameSync(`${path}-gone`, path)
  const flushed = () =>
    disk.flush().then(
      () => true,
      () => false,
    )
  await expect.poll(flushed, { timeout: 5000 }).toBe(true)
})

test('read-only opens need no right to write, and share the image', async () => {
  const path = await image('qcow2')
  await promisify(execFile)('chmod', ['400', path])
  const one = await place.open(driver('qcow2'), path, true)
  const two = await place.open(driver('qcow2'), path, true)
  await readBack(one, 0, 512)
  expect(two.identity).toBe(one.identity)
  await expect(one.write(0, [pattern(512)])).rejects.toMatchObject({ code: 'DISK_READONLY' })
})

test('what cannot be opened is told with its name and the way out', async () => {
  const raw = place.path('not-qcow2')
  await promisify(execFile)('truncate', ['-s', '1M', raw])
  const refused: readonly (readonly [string, string, string])[] = [
    [
      'qcow2',
      raw,
      `tap:qcow2:${raw}: it is no image of this format; \`qemu-img info\` says what it is (Image is not in qcow2 format)`,
    ],
    ['qcow2', '/nowhere/x', 'tap:qcow2:/nowhere/x: there is no such file'],
    ['qcow2', 'x', 'tap:qcow2:x: give its whole path, from / on'],
    ['vhd', '/proc', 'tap:vhd:/proc: it is neither a file nor a block device'],
  ]
  for (const [format, target, said] of refused) {
    await expect(place.open(driver(format), target)).rejects.toThrow(said)
  }
  expect(daemons(place.folder)).toEqual([])
  expect(readdirSync(place.folder).filter((name) => name.startsWith('paravane-daemon-'))).toEqual([])
})

test('where the program is missing, its package is named', async () => {
  const path = await image('qcow2')
  const none = tapDriver('tap:qcow2', 'qcow2', new HostPrograms('/nowhere'))
  await expect(place.open(none, path)).rejects.toThrow(
    "qemu-storage-daemon is not on this machine; install Debian's package qemu-system-common, or fetch it without installing: npm run programs -- qemu-storage-daemon",
  )
})
