import { describe, expect, it } from 'vitest'
import { parseDiskSpec } from '../src/disk-spec.ts'

const disk = { vdev: 'xvda', devid: 51712, kind: 'disk', mode: 'w' }
const tray = { vdev: 'hdc', devid: 5632, kind: 'cdrom', mode: 'r', storage: '' }

describe("an entry of disk= in xm's form", () => {
  it.each([
    ['file:/a/b,xvda,w', { ...disk, storage: 'file:/a/b' }],
    ['phy:/dev/vg/lv, /dev/xvda, r', { ...disk, storage: 'phy:/dev/vg/lv', mode: 'r' }],
    ['phy:vg/lv,ioemu:xvda:disk,w!,0', { ...disk, storage: 'phy:vg/lv', mode: 'w!' }],
    ['tap:qcow2:/x,51712,w', { ...disk, storage: 'tap:qcow2:/x', vdev: '51712' }],
    ['tap:qcow2:/x,0xCA00,w', { ...disk, storage: 'tap:qcow2:/x', vdev: '0xCA00' }],
    ['file:/a.iso,hdc:cdrom,w', { ...tray, storage: 'file:/a.iso' }],
    ['nbd:unix:/s:exportname=a,xvda,w', { ...disk, storage: 'nbd:unix:/s:exportname=a' }],
    ['nbd+unix:///a?socket=/s,xvda,w', { ...disk, storage: 'nbd+unix:///a?socket=/s' }],
    [
      'iscsi://h:3260/iqn.2004-04.com.example:d/1,xvda,w',
      { ...disk, storage: 'iscsi://h:3260/iqn.2004-04.com.example:d/1' },
    ],
    ['overlay:/t.cow:tap:qcow2:/b,xvda,w', { ...disk, storage: 'overlay:/t.cow:tap:qcow2:/b' }],
    [',hdc:cdrom,r', tray],
    ['phy:,hdc:cdrom,r', tray],
  ])('%s', (text, spec) => {
    expect(parseDiskSpec(text)).toEqual(spec)
  })
})

describe("an entry of disk= in xl's form", () => {
  it.each([
    ['/a,raw,xvda,rw', { ...disk, storage: 'file:/a' }],
    ['/a,,xvda', { ...disk, storage: 'file:/a' }],
    ['/dev/sdb1,raw,xvda,ro', { ...disk, storage: 'phy:/dev/sdb1', mode: 'r' }],
    ['/a,qcow2,xvda,w', { ...disk, storage: 'tap:qcow2:/a' }],
    ['nbd:host:10809,raw,xvda,w', { ...disk, storage: 'nbd:host:10809' }],
    ['format=vhd,vdev=xvda,access=ro,target=/a,b=c.vhd', { ...disk, storage: 'tap:vhd:/a,b=c.vhd', mode: 'r' }],
    ['vdev=xvda,target=iscsi:iqn=i,portal=h,lun=1', { ...disk, storage: 'iscsi:iqn=i,portal=h,lun=1' }],
    ['/a.iso,,hdc,cdrom', { ...tray, storage: 'file:/a.iso' }],
    ['vdev=hdc,devtype=cdrom', tray],
    ['/a,raw,xvda,rw,backendtype=phy,direct-io-safe', { ...disk, storage: 'file:/a' }],
  ])('%s', (text, spec) => {
    expect(parseDiskSpec(text)).toEqual(spec)
  })
})

describe('an entry that makes no sense is refused with what is wrong', () => {
  it.each([
    ['/a,xvda,w', '"/a" does not say what kind of storage it is; write file:/a or phy:/a'],
    ['file:/a,xvda', 'it does not say how it may be used; add ,w or ,r'],
    ['file:/a,xvda,x', 'mode "x" is unknown; it may be w, r or w!'],
    ['file:/a,foo,w', '"foo" is no device; it may be xvda to xvdzz, sda to sdp, hda to hdd, or a number'],
    ['file:/a,xvda,w,2', 'back ends are in domain 0 only; leave out "2"'],
    ['/a,raw,foo,w', '"foo" is no device; it may be xvda to xvdzz, sda to sdp, hda to hdd, or a number'],
    ['/a,raw', 'it names no device, such as xvda'],
    ['', 'it names no device, such as xvda'],
    ['/a,raw,xvda,w,more', '"more" is one item too many'],
    ['/a,dmg,xvda,w', 'format "dmg" is unknown; known: raw, empty, qcow2, vhd, vmdk'],
    ['colour=red,vdev=xvda', '"colour" is unknown; known: target, format, vdev, access, devtype, backendtype'],
    [',xvda,w', 'it has no storage, which only a CD-ROM may be without (xvda:cdrom)'],
  ])('%s', (text, why) => {
    expect(() => parseDiskSpec(text)).toThrow(`disk "${text}": ${why}`)
  })
})
