/** A guest whose kernel is on its own disk. */
import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootFiles, consoleLogs } from '../../src/folders.ts'
import { obtainHelloGuest } from '../../src/start/hello-guest.ts'
import { fileSystem, gptDisk } from '../disk-image/made-disks.ts'
import { System } from './system.ts'

const DONE = { status: 0, stdout: '', stderr: '' }
const PATIENCE = { timeout: 30_000 }
const MIB = 1 << 20
let system: System
let config: string
let kernel: Buffer

const disk = (): string => join(system.folder, 'guest.img')
/** A disk whose menu names this kernel. */
const install = (path: string): Promise<void> => {
  const menu = `menuentry 'Hello' { linux ${path} root=/dev/xvda1 }\n`
  return copyFile(gptDisk([fileSystem({ 'boot/grub/grub.cfg': menu, 'boot/hello': kernel }, 8 * MIB)]), disk())
}
const output = (): Promise<string> =>
  readFile(join(consoleLogs(system.places), 'guest-hello.log'), 'utf8').catch(() => '')

beforeAll(async () => {
  system = await System.start()
  kernel = await readFile(await obtainHelloGuest(() => {}))
  await install('/boot/hello')
  config = await system.helloConfig("disk = ['file:guest.img,xvda,w']\nbootloader = 'pygrub'\nkernel = None\n")
})
afterAll(() => system.stop())

test('it boots what its disk says, at each start anew, and nothing is left of the files', async () => {
  expect(await system.xm('new', '-q', config)).toEqual(DONE)
  expect(await system.xm('start', 'hello')).toEqual(DONE)
  await expect.poll(output, PATIENCE).toContain('hello: ready')
  expect(await readdir(bootFiles(system.places))).toEqual([])
  expect((await system.xm('list', '-l', 'hello')).stdout).toMatch(/\n {4}\(bootloader pygrub\)\n[\s\S]*\(kernel \)/)
  await system.xm('destroy', 'hello')
  await install('/boot/gone')
  const { status, stderr } = await system.xm('start', 'hello')
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(`^Error: file:${disk()}: there is no /boot/gone in partition 1; `),
  })
  expect(await system.domains()).toEqual([])
  expect(await readdir(bootFiles(system.places))).toEqual([])
  await system.xm('delete', 'hello')
})

test('kernel and entry can be named, by paths on the disk; xm shows what xend is given', async () => {
  const words = ['kernel=/boot/hello', 'bootargs=-q']
  expect((await system.xm('create', '-nq', config, ...words)).stdout).toMatch(
    /\n {4}\(bootloader pygrub\)\n {4}\(bootloader_args -q\)\n {4}\(image \(linux \(kernel \/boot\/hello\) /,
  )
  expect(await system.xm('create', '-q', config, ...words)).toEqual(DONE)
  await system.xm('destroy', 'hello')
})

test('the disk may be of any storage: here a file in another, with a top of its own', async () => {
  await install('/boot/hello')
  expect(await system.xm('create', '-q', config, 'disk=overlay:top:file:guest.img,xvda,w')).toEqual(DONE)
  await system.xm('destroy', 'hello')
})

test('a disk that the boot loader cannot read is told', async () => {
  const { stderr } = await system.xm('create', '-q', config, 'disk=nbd:localhost:1,xvda,w')
  expect(stderr).toEqual(expect.stringMatching(/^Error: nbd:localhost:1: /))
})
