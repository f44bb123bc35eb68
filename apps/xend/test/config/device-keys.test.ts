import { expect, test } from 'vitest'
import { withWholeDisks } from '../../src/config/device-keys.ts'

const HERE = '/home/me'

/** What a disk becomes where the user is in HERE; the same for none. */
test.each([
  ['file:disk.img,xvda,w', 'file:/home/me/disk.img,xvda,w'],
  ['file:../a:b.img,xvda,w!', 'file:/home/a:b.img,xvda,w!'],
  ['file:/disk.img,xvda,w', undefined],
  ['tap:aio:disk.img,xvda,r', 'tap:aio:/home/me/disk.img,xvda,r'],
  ['tap2:tapdisk:qcow2:x/d.qcow2,xvda,w', 'tap2:tapdisk:qcow2:/home/me/x/d.qcow2,xvda,w'],
  ['phy:sda1,xvda,w', undefined],
  ['phy:/dev/sda1,xvda,w', undefined],
  ['lvm:VG/LV,xvda,w', undefined],
  ['nbd:localhost:10809,xvda,w', undefined],
  ['iscsi:iqn.2026-01.test:disk,xvda,w', undefined],
  ['file:,xvdc:cdrom,r', undefined],
  ['disk.img,raw,xvda,rw', '/home/me/disk.img,raw,xvda,rw'],
  ['disk.qcow2,qcow2,xvda,rw', '/home/me/disk.qcow2,qcow2,xvda,rw'],
  [',,hdc:cdrom,r', undefined],
  [
    'format=qcow2, vdev=xvda, access=rw, target=my disk,1.img',
    'format=qcow2, vdev=xvda, access=rw, target=/home/me/my disk,1.img',
  ],
  ['vdev=xvdc,cdrom', undefined],
])('the disk %s', (text, whole = text) => {
  const setting = { key: 'disk', where: 'g:1: disk' }
  expect(withWholeDisks({ ...setting, value: [text] }, HERE)).toEqual({ ...setting, value: [whole] })
  expect(withWholeDisks({ ...setting, value: text }, HERE)).toEqual({ ...setting, value: [whole] })
})

test('what is no list of disks is left for others to judge', () => {
  const setting = { key: 'disk', value: [7], where: 'g:1: disk' }
  expect(withWholeDisks(setting, HERE)).toBe(setting)
  const other = { key: 'extra', value: 'file:a', where: 'g:1: extra' }
  expect(withWholeDisks(other, HERE)).toBe(other)
})
