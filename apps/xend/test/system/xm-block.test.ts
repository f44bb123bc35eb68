/** Disks of a guest, as dialogues with xm: in its config, attached, listed, changed and detached. The guest has no driver of them. */
import { once } from 'node:events'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { controlSocket } from '../../src/folders.ts'
import type { DeviceRow } from '../../src/hypervisor/control-rows.ts'
import { System } from './system.ts'
import { runXmHere } from './xm-process.ts'

const DONE = { status: 0, stdout: '', stderr: '' }
const PATIENCE = { timeout: 30_000 }
const HEADER = 'Vdev  BE handle state evt-ch ring-ref BE-path\n'
let system: System
let config: string

beforeAll(async () => {
  system = await System.start()
  for (const name of ['root', 'swap', 'other']) {
    await writeFile(disk(name), '')
    await truncate(disk(name), 1 << 20)
  }
  config = await system.helloConfig("disk = ['file:root.img,xvda,w']\n")
})
afterAll(() => system.stop())

const disk = (name: string): string => join(system.folder, `${name}.img`)
const row = (domid: number, devid: number): string =>
  `${devid}  0    0     1      -1     -1    /local/domain/0/backend/vbd/${domid}/${devid}  \n`
const domidOf = async (name: string): Promise<number> => Number((await system.xm('domid', name)).stdout)
const devicesOf = (domid: number): Promise<readonly DeviceRow[]> => system.control.call('device.list', { domid })
const storageOf = async (domid: number): Promise<unknown[]> =>
  (await devicesOf(domid)).map(({ devid, facts }) => [devid, facts.storage])

test('a guest has the disks of its config, whose paths begin where xm is called', async () => {
  expect(await system.xm('create', '-q', config)).toEqual(DONE)
  expect(await system.xm('block-list', 'hello')).toEqual({ ...DONE, stdout: HEADER + row(1, 51712) })
  expect((await system.xm('block-list', '1', '--long')).stdout).toBe(
    `(51712
    ((virtual-device 51712)
        (device-type disk)
        (backend /local/domain/0/backend/vbd/1/51712)
        (backend-id 0)
        (state 1)
    )
)
`,
  )
  expect(await storageOf(1)).toEqual([[51712, `file:${disk('root')}`]])
})

test('a disk is attached while the guest runs, and detached by its number, its name or its path', async () => {
  expect(await system.xm('block-attach', 'hello', 'file:swap.img', 'xvdb', 'w')).toEqual(DONE)
  expect((await system.xm('block-list', 'hello')).stdout).toBe(HEADER + row(1, 51712) + row(1, 51728))
  expect(await system.xm('block-detach', 'hello', 'xvdb')).toEqual(DONE)
  const attached = await system.xm('block-attach', '1', `file:${disk('swap')}`, '51728', 'r', 'Domain-0', '--json')
  expect(JSON.parse(attached.stdout)).toMatchObject({ domid: 1, type: 'vbd', devid: 51728, back: { mode: 'r' } })
  expect(await system.xm('block-detach', '1', '/local/domain/0/backend/vbd/1/51728')).toEqual(DONE)
  expect(await system.xm('vbd-create', 'hello', 'file:swap.img', '/dev/xvdb1', 'w!')).toMatchObject({ status: 0 })
  expect(await system.xm('block-detach', 'hello', '51729', '--force')).toEqual(DONE)
  expect((await system.xm('block-list', 'hello')).stdout).toBe(HEADER + row(1, 51712))
  expect((await system.xm('block-list', 'hello', '--json')).stdout).toContain('"devid": 51712')
})

test.each([
  [['block-attach', 'hello', 'file:none.img', 'xvdb', 'w'], 'file:FOLDER/none.img: '],
  [['block-attach', 'hello', 'root.img', 'xvdb', 'w'], 'disk "root.img,xvdb,w": "root.img" does not say what kind of'],
  [['block-attach', 'hello', 'file:swap.img', 'xvdb', 'x'], 'disk "file:swap.img,xvdb,x": mode "x" is unknown;'],
  [
    ['block-attach', 'hello', 'file:swap.img', 'xvdb', 'w', '3'],
    'disk "file:swap.img,xvdb,w,3": back ends are in domain 0 only; leave out "3"\n',
  ],
  [['block-attach', 'hello', 'file:swap.img', 'xvda', 'w'], 'Device xvda (51712, vbd) is already connected.\n'],
  [['block-attach', 'hello', 'file:root.img', 'xvdb', 'w'], 'file:FOLDER/root.img: domain hello has it as xvda;'],
  [
    ['block-attach', 'hello', 'file:swap.img'],
    "'xm block-attach' requires between 4 and 5 arguments.\nUsage: xm block-",
  ],
  [
    ['block-detach', 'hello', 'xvdc'],
    "Domain 'hello' has no disk 'xvdc'; xm block-list hello lists those that it has\n",
  ],
  [['block-detach', 'hello', 'none'], "Domain 'hello' has no disk 'none'; xm block-list hello lists"],
  [['block-detach', '0', 'xvda'], "Cannot detach a device from privileged domain Domain-0: it is the hypervisor's"],
  [['block-attach', '0', 'file:swap.img', 'xvda', 'w'], 'Cannot attach a device to privileged domain Domain-0: '],
  [['block-configure', '0', 'file:swap.img', 'xvda', 'w'], 'Cannot change a device of privileged domain Domain-0: '],
  [['block-configure', 'hello', 'file:swap.img', 'xvdb', 'w'], "Domain 'hello' has no disk 'xvdb'; xm block-list"],
] as [string[], string][])('xm %j is refused', async (args, begin) => {
  const { status, stdout, stderr } = await runXmHere(args, system.places, system.folder)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr.replaceAll(system.folder, 'FOLDER').slice(0, begin.length + 7)).toBe(`Error: ${begin}`)
})

test('who listens for changes hears of devices that come and go', async () => {
  const [response] = (await once(get({ socketPath: controlSocket(system.places), path: '/changes' }), 'response')) as [
    IncomingMessage,
  ]
  let heard = 0
  response.on('data', () => heard++)
  await expect.poll(() => heard, PATIENCE).toBe(1)
  await system.control.call('device.attach', { domid: 1, type: 'vbd', config: `file:${disk('swap')},xvdb,w` })
  await expect.poll(() => heard, PATIENCE).toBe(2)
  await system.control.call('device.detach', { domid: 1, type: 'vbd', devid: 51728 })
  await expect.poll(() => heard, PATIENCE).toBe(3)
  response.destroy()
})

test('what has no disks has no lines, and one domain is listed at a time', async () => {
  expect(await system.xm('block-list', 'Domain-0')).toEqual(DONE)
  expect(await system.xm('block-list', 'nobody')).toMatchObject({
    status: 3,
    stderr: "Error: Domain 'nobody' does not exist.\n",
  })
  const none = await system.xm('block-list')
  expect(none).toMatchObject({ status: 1, stdout: 'No domain parameter given\n' })
  expect(none.stderr).toMatch(/^Usage: xm block-list <Domain> \[--long\]\n/)
  expect((await system.xm('block-list', 'a', 'b')).stdout).toBe('No multiple domain parameters allowed\n')
})

test('an unmanaged guest keeps what was attached over a restart, and not beyond its end', async () => {
  await system.xm('block-attach', 'hello', 'file:swap.img', 'xvdb', 'w')
  const [{ record }] = await system.control.call<[{ record: string }]>('domain.list')
  expect(JSON.parse(record).config.devices).toEqual([
    { type: 'vbd', config: `file:${disk('root')},xvda,w`, where: `${config}:4: disk` },
    { type: 'vbd', config: `file:${disk('swap')},xvdb,w` },
  ])
  await system.xm('destroy', 'hello')
  expect(await system.xm('create', '-q', config)).toEqual(DONE)
  expect(await storageOf(await domidOf('hello'))).toEqual([[51712, `file:${disk('root')}`]])
  await system.xm('destroy', 'hello')
})

test('a managed guest is started with what was attached while it ran, and while it did not', async () => {
  await system.xm('new', '-q', config)
  await system.xm('start', 'hello')
  await system.xm('block-attach', 'hello', 'file:swap.img', 'xvdb', 'w')
  await system.xm('destroy', 'hello')
  await expect.poll(() => system.domains(), PATIENCE).toEqual([])
  expect((await system.xm('block-list', 'hello')).stdout).toBe(
    `${HEADER}51712  -1   0     -1     -1     -1    ??                              \n51728  -1   0     -1     -1     -1    ??                              \n`,
  )
  expect(await system.xm('block-attach', 'hello', 'file:other.img', 'xvdb', 'w')).toMatchObject({
    stderr: "Error: Domain 'hello' has this device already; give another name or address, or detach it first\n",
  })
  expect(await system.xm('block-attach', 'hello', 'file:other.img', 'xvdc', 'w')).toEqual(DONE)
  expect(await system.xm('block-detach', 'hello', 'xvda')).toEqual(DONE)
  await system.xm('start', 'hello')
  const domid = await domidOf('hello')
  expect(await storageOf(domid)).toEqual([
    [51728, `file:${disk('swap')}`],
    [51744, `file:${disk('other')}`],
  ])
  expect(await system.xm('block-detach', 'hello', 'xvdc')).toEqual(DONE)
  await system.xm('destroy', 'hello')
  await system.xm('start', 'hello')
  expect(await storageOf(await domidOf('hello'))).toEqual([[51728, `file:${disk('swap')}`]])
  await system.xm('destroy', 'hello')
  await system.xm('delete', 'hello')
})

test('a disk moves to another place while the guest runs, with all that is on it; a managed guest is started there', async () => {
  await writeFile(disk('root'), Buffer.alloc(1 << 20, 'old'))
  await system.xm('new', '-q', config)
  await system.xm('start', 'hello')
  expect(await system.xm('block-configure', 'hello', 'file:other.img', 'xvda', 'w', '--copy')).toEqual(DONE)
  expect((await readFile(disk('other'))).equals(await readFile(disk('root')))).toBe(true)
  expect(await storageOf(await domidOf('hello'))).toEqual([[51712, `file:${disk('other')}`]])
  await writeFile(disk('tiny'), Buffer.alloc(512))
  expect((await system.xm('block-configure', 'hello', 'file:tiny.img', 'xvda', 'w')).stderr).toMatch(
    /^Error: file:.*tiny/,
  )
  await system.xm('destroy', 'hello')
  await system.xm('start', 'hello')
  expect(await storageOf(await domidOf('hello'))).toEqual([[51712, `file:${disk('other')}`]])
  await system.xm('destroy', 'hello')
  expect(await system.xm('block-configure', 'hello', 'file:root.img', 'xvda', 'w')).toEqual(DONE)
  await system.xm('start', 'hello')
  expect(await storageOf(await domidOf('hello'))).toEqual([[51712, `file:${disk('root')}`]])
  await system.xm('destroy', 'hello')
  await system.xm('delete', 'hello')
})

test('CD-ROMs are put into a drive, and taken out', async () => {
  expect(await system.xm('create', '-q', config, 'disk=,hdc:cdrom,r')).toEqual(DONE)
  const domid = await domidOf('hello')
  expect(await system.xm('cd-insert', 'hello', 'hdc', 'swap.img')).toEqual(DONE)
  expect(await storageOf(domid)).toEqual([[5632, `file:${disk('swap')}`]])
  expect(JSON.parse((await system.xm('cd-eject', 'hello', 'hdc', '--json')).stdout)).toMatchObject({ devid: 5632 })
  expect(await storageOf(domid)).toEqual([[5632, '']])
  expect(await system.xm('block-configure', 'hello', 'file:other.img', 'hdc:cdrom', 'r')).toEqual(DONE)
  expect(await storageOf(domid)).toEqual([[5632, `file:${disk('other')}`]])
  await system.xm('destroy', 'hello')
})

test('a disk that cannot be opened is told of where it was asked for', async () => {
  const { stderr } = await system.xm('create', '-q', config, 'disk=file:none.img,xvda,w')
  expect(stderr).toMatch(`Error: argument disk: file:${disk('none')}: `)
  expect(await system.domains()).toEqual([])
})
