import { CodedError, type DeviceOwner, type StorageDriver, type StorageRequest } from '@paravane/core'
import { beforeEach, expect, it } from 'vitest'
import { DiskOwners } from '../../src/blkback/disk-owners.ts'
import { Media } from '../../src/blkback/media.ts'
import { VbdDriver } from '../../src/blkback/vbd-driver.ts'
import { ScriptedDisk } from './scripted-disk.ts'

const opened: { readonly disk: ScriptedDisk; readonly request: StorageRequest }[] = []
let driver: VbdDriver

beforeEach(() => {
  opened.length = 0
  const storage: StorageDriver = {
    async open(request) {
      if (request.target === '/missing')
        throw new CodedError({ code: 'DISK_OPEN' }, 'file:/missing: there is no such file')
      // Two names of one disk.
      const identity = request.target.replace('-link', '')
      const disk = new ScriptedDisk(1 << 20, { readonly: request.readonly, identity })
      opened.push({ disk, request })
      return disk
    },
  }
  driver = new VbdDriver(new Media(new Map([['file', storage]]), new DiskOwners()))
})

const owner = (domainName: string, taken: readonly number[] = []): DeviceOwner => ({
  domid: 3,
  domainName,
  domainUuid: '',
  taken: new Set(taken),
})

it('has the nodes that xend and libxl write', async () => {
  const { devid, frontNodes, backNodes } = await driver.open('file:/a,xvda,w', owner('web'))
  expect(devid).toBe(51712)
  expect(frontNodes).toEqual({ 'virtual-device': 51712, 'device-type': 'disk' })
  expect(backNodes).toEqual({
    domain: 'web',
    dev: 'xvda',
    'device-type': 'disk',
    removable: 0,
    bootable: 1,
    'hotplug-status': 'connected',
    type: 'file',
    params: '/a',
    mode: 'w',
    'max-ring-page-order': 4,
    'multi-queue-max-queues': 4,
    'feature-max-indirect-segments': 256,
    'feature-persistent': 0,
  })
  const tray = await driver.open(',hdc:cdrom,r', owner('web', [51712]))
  expect(tray.backNodes).toMatchObject({ 'device-type': 'cdrom', removable: 1, bootable: 0, mode: 'r', params: '' })
})

it.each([
  ['w', 'w', 'domain web has it as xvda'],
  ['w', 'r', 'domain web writes it as xvda'],
  ['r', 'w', 'domain web has it as xvda'],
  ['w!', 'w', 'domain web has it as xvda'],
])('a disk that one domain has by %s is not given to another by %s', async (first, second, why) => {
  await driver.open(`file:/a,xvda,${first}`, owner('web'))
  await expect(driver.open(`file:/a-link,xvdb,${second}`, owner('db'))).rejects.toThrow(`file:/a-link: ${why}`)
  expect(opened.map(({ disk }) => disk.closed)).toEqual([false, true])
})

it.each([
  ['r', 'r'],
  ['w', 'w!'],
  ['w!', 'w!'],
])('a disk that one domain has by %s is given to another by %s', async (first, second) => {
  await driver.open(`file:/a,xvda,${first}`, owner('web'))
  await driver.open(`file:/a,xvdb,${second}`, owner('db'))
  expect(opened.at(-1)?.request).toEqual({ target: '/a', readonly: second === 'r', shared: second === 'w!' })
})

it('a domain is not given a disk twice, and may have it again when it has let go', async () => {
  const { close } = await driver.open('file:/a,xvda,w', owner('web'))
  await expect(driver.open('file:/a,xvdb,w', owner('web', [51712]))).rejects.toThrow('domain web has it as xvda')
  await close()
  await driver.open('file:/a,xvdb,w', owner('web'))
})

it.each([
  ['file:/a,xvda,w', 'Device xvda (51712, vbd) is already connected.'],
  ['ftp:/a,xvdb,w', 'ftp:/a'],
  ['file:/missing,xvdb,w', 'file:/missing: there is no such file'],
  ['file:/a,xvdb', 'it does not say how it may be used'],
])('%s is refused with what is wrong', async (config, why) => {
  await expect(driver.open(config, owner('web', [51712]))).rejects.toThrow(why)
})

it.each([
  [undefined, 'it needs a text "storage"'],
  [{ storage: 'file:/a' }, 'it needs a "mode"'],
  [{ storage: 'file:/a', mode: 'w', vdev: 'foo' }, '"foo" is no device'],
  [{ storage: 'file:/a', mode: 'w', vdev: 'xvda', kind: 'tape' }, 'its "kind" may be disk or cdrom'],
])('%o is refused with what is missing', async (config, why) => {
  await expect(driver.open(config, owner('web'))).rejects.toThrow(why)
})
