import { parseDiskSpec } from '@paravane/dev-blk'
import { expect, test } from 'vitest'
import { withWholeDisks } from '../../src/config/disk-text.ts'

const HERE = '/home/me'

/** What a disk becomes where the user is in HERE; the same for none. */
test.each([
  ['file:disk.img,xvda,w', 'file:/home/me/disk.img,xvda,w'],
  ['file:../a:b.img,xvda,w!', 'file:/home/a:b.img,xvda,w!'],
  ['file:/disk.img,xvda,w', undefined],
  ['tap:aio:disk.img,xvda,r', 'tap:aio:/home/me/disk.img,xvda,r'],
  ['tap2:tapdisk:qcow2:x/d.qcow2,xvda,w', 'tap2:tapdisk:qcow2:/home/me/x/d.qcow2,xvda,w'],
  ['overlay:top.img:tap:qcow2:base.qcow2,xvda,w', 'overlay:/home/me/top.img:tap:qcow2:/home/me/base.qcow2,xvda,w'],
  ['overlay:/top:nbd:localhost:10809,xvda,w', undefined],
  ['phy:sda1,xvda,w', undefined],
  ['phy:/dev/sda1,xvda,w', undefined],
  ['lvm:VG/LV,xvda,w', undefined],
  ['nbd:localhost:10809,xvda,w', undefined],
  ['iscsi:iqn.2026-01.test:disk,xvda,w', undefined],
  ['file:,xvdc:cdrom,r', undefined],
  ['disk.img,raw,xvda,rw', 'file:/home/me/disk.img,xvda,w'],
  ['disk.qcow2,qcow2,xvda,ro', 'tap:qcow2:/home/me/disk.qcow2,xvda,r'],
  ['cd.iso,,hdc,cdrom', 'file:/home/me/cd.iso,hdc:cdrom,r'],
  [',,hdc:cdrom,r', undefined],
  [
    'format=qcow2, vdev=xvda, access=rw, target=my disk,1.img',
    'vdev=xvda,access=w,target=tap:qcow2:/home/me/my disk,1.img',
  ],
  ['vdev=hdc, cdrom, target=my,cd.iso', 'vdev=hdc,devtype=cdrom,access=r,target=file:/home/me/my,cd.iso'],
  ['vdev=xvdc,cdrom', undefined],
  ['no disk', undefined],
])('the disk %s', (text, whole = text) => {
  const setting = { key: 'disk', where: 'g:1: disk' }
  if (text !== whole) expect(parseDiskSpec(whole).storage).toMatch(/:\/home\//)
  expect(withWholeDisks({ ...setting, value: [text] }, HERE)).toEqual({ ...setting, value: [whole] })
  expect(withWholeDisks({ ...setting, value: text }, HERE)).toEqual({ ...setting, value: [whole] })
})

test('what is no list of disks is left for others to judge', () => {
  const setting = { key: 'disk', value: [7], where: 'g:1: disk' }
  expect(withWholeDisks(setting, HERE)).toBe(setting)
  const other = { key: 'extra', value: 'file:a', where: 'g:1: extra' }
  expect(withWholeDisks(other, HERE)).toBe(other)
})
