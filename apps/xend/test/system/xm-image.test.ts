/** xm image, as users call it. */
import { statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fileSystem, gptDisk } from '../disk-image/made-disks.ts'
import { runXm, type XmResult } from './xm-process.ts'

const MIB = 1 << 20
let folder: string
let images: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-images-'))
  images = join(folder, 'state/images')
})
afterAll(() => rm(folder, { recursive: true }))

const image = (...args: string[]): Promise<XmResult> => {
  const env = { ...process.env, PARAVANE_STATE: join(folder, 'state'), PARAVANE_RUN: join(folder, 'run') }
  return runXm(['image', ...args], { env, folder })
}
/** What is said in one line of stderr, before the usage. */
const refused = async (...args: string[]): Promise<string> => {
  const { status, stderr } = await image(...args)
  expect(status).toBe(1)
  return stderr.split('\n')[0].replace(/^Error: /, '')
}

test('an empty disk by name: what it is, and how a config has it; then it is listed', async () => {
  expect(await image('create', 'empty', 'data', '--size', '64M')).toEqual({
    status: 0,
    stdout: `${images}/data.img: 64.0 MiB, empty\ndisk = ['file:${images}/data.img,xvda,w']\n`,
    stderr: '',
  })
  expect(statSync(join(images, 'data.img')).size).toBe(64 * MIB)
  expect((await image('list')).stdout).toMatch(/^Name +Format +Size +Used Base\ndata\.img +raw +64\.0 MiB +0 B\n$/)
  expect(JSON.parse((await image('list', '--json')).stdout)).toMatchObject([{ name: 'data.img', size: 64 * MIB }])
})

test('a disk is copied in by its path, looked at, cloned and grown', async () => {
  const menu = "menuentry 'Linux' { linux /vmlinuz root=UUID=1 console=hvc0 }"
  const disk = gptDisk([fileSystem({ 'boot/grub/grub.cfg': menu, vmlinuz: 'x' }, 8 * MIB, '-L', 'sys')])
  const { stdout, stderr } = await image('import', disk, 'in.img')
  expect(stderr).toContain(`image: copying ${disk} (raw) ...\n`)
  expect(stdout).toMatch(
    /in\.img: raw, 10\.0 MiB, with a partition table \(GPT\)\n {2}partition 1: 8\.0 MiB, ext4 \(sys [0-9a-f-]{36}\)\n/,
  )
  expect(stdout).toContain("  pygrub boots 'Linux': vmlinuz root=UUID=1 console=hvc0\n")
  expect(stdout).toMatch(/ {2}to do: kernel vmlinuz: .*neither an ELF file nor a bzImage/)
  expect((await image('info', 'in.img')).stdout).toBe(stdout)
  expect((await image('clone', 'in.img', 'copy')).stdout).toBe(
    `${images}/copy.qcow2: as ${folder}/in.img, which must not change from now on\ndisk = ['tap:qcow2:${images}/copy.qcow2,xvda,w']\n`,
  )
  expect((await image('info', join(images, 'copy.qcow2'))).stdout).toBe(
    `${images}/copy.qcow2: qcow2, 10.0 MiB, over ${folder}/in.img\n`,
  )
  expect((await image('resize', 'in.img', '20M')).stdout).toBe(
    `${folder}/in.img: the disk has 20.0 MiB\n${folder}/in.img: partition 1 has 18.0 MiB\n${folder}/in.img: so has its ext4 file system\n`,
  )
}, 60_000)

test('as documents', async () => {
  const made = await image('create', 'empty', 'j.qcow2', '--format=qcow2', '--size=1M', '--json')
  expect(JSON.parse(made.stdout)).toEqual({ path: join(folder, 'j.qcow2'), format: 'qcow2', size: MIB })
  await writeFile(join(folder, 'fs.img'), fileSystem({ a: 'b' }, MIB))
  const info = JSON.parse((await image('info', 'fs.img', '--json')).stdout)
  expect(info).toMatchObject({ format: 'raw', table: 'none', parts: [{ holds: 'ext4' }] })
}, 60_000)

test.each([
  [['make'], "'xm image make' is unknown; there are create, import, resize, clone, list, info."],
  [['constructor'], "'xm image constructor' is unknown; there are create, import, resize, clone, list, info."],
  [['info'], "'xm image info' takes <Image>."],
  [['list', 'x'], "'xm image list' takes no arguments."],
  [['list', '--size=1G'], "'xm image list' has no option --size."],
  [['create', 'fedora', 'x'], "'xm image create' makes 'debian' or 'empty', not 'fedora'."],
  [['create', 'empty', 'x', '--format=vmdk'], "--format must be raw or qcow2, not 'vmdk'."],
  [['create', 'empty', 'x', '--hostname=y'], "--hostname is for 'create debian'."],
  [['info', 'none'], "'xm image list' shows those there are"],
  [['resize', 'none', 'big'], "the size must be a size such as 4G or 512M, at least 1M and at most 16T, not 'big'"],
])('%j is refused', async (args, message) => {
  expect(await refused(...args)).toContain(message)
})
