import { expect, test } from 'vitest'
import { parseIscsiAddress } from '../../src/storage/iscsi/iscsi-address.ts'

const target = 'iqn.2004-04.com.example:disk'

test.each([
  [`iqn=${target},portal=10.0.0.1`, { target, portal: '10.0.0.1:3260', lun: 0 }],
  [`iqn=${target}, portal=[::1]:99, lun=3`, { target, portal: '[::1]:99', lun: 3 }],
  [`iqn=${target},portal=h:1,lun=1,chap=/etc/chap`, { target, portal: 'h:1', lun: 1, chap: '/etc/chap' }],
  [`//h/${target}`, { target, portal: 'h:3260', lun: 0 }],
  [`//h:1/${target}/2?chap=/etc/chap`, { target, portal: 'h:1', lun: 2, chap: '/etc/chap' }],
  ['iqn=eui.0123456789abcdef,portal=h', { target: 'eui.0123456789abcdef', portal: 'h:3260', lun: 0 }],
])('iscsi:%s', (text, address) => {
  expect(parseIscsiAddress(text)).toEqual(address)
})

test.each([
  '',
  `iqn=${target}`,
  'portal=h',
  `iqn=disk,portal=h`,
  `iqn=${target},portal=h,lun=x`,
  `iqn=${target},portal=h,user=me`,
  `iqn=${target},portal=h,chap=relative`,
  `iqn=${target},portal=h:`,
  `//me%password@h/${target}/1`,
  `//h`,
])('iscsi:%s is none', (text) => {
  expect(() => parseIscsiAddress(text)).toThrow(
    'it is no address of a logical unit: write iscsi:iqn=NAME,portal=HOST:PORT',
  )
})
