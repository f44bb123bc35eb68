import { expect, test } from 'vitest'
import { type NbdScheme, nbdPlaceName, parseNbdAddress } from '../../src/storage/nbd/index.ts'

/** What users of qemu, nbdkit and nbdinfo write. */
test.each<[NbdScheme, string, object]>([
  ['nbd', 'unix:/run/disk.sock', { path: '/run/disk.sock', exportName: '' }],
  ['nbd', 'unix:/run/disk.sock:exportname=a:b c', { path: '/run/disk.sock', exportName: 'a:b c' }],
  ['nbd', 'store.example:10809', { host: 'store.example', port: 10_809, exportName: '' }],
  ['nbd', '10.0.0.1:9999:exportname=root', { host: '10.0.0.1', port: 9999, exportName: 'root' }],
  ['nbd', '[fe80::1]:9999', { host: 'fe80::1', port: 9999, exportName: '' }],
  ['nbd', '//store.example', { host: 'store.example', port: 10_809, exportName: '' }],
  ['nbd', '//store.example:80/a%20b', { host: 'store.example', port: 80, exportName: 'a b' }],
  ['nbd', '//store.example:9999/dir/name', { host: 'store.example', port: 9999, exportName: 'dir/name' }],
  ['nbd', '//[::1]/x', { host: '::1', port: 10_809, exportName: 'x' }],
  ['nbd+unix', '///?socket=/run/a.sock', { path: '/run/a.sock', exportName: '' }],
  ['nbd+unix', '///root?socket=/run/a%20b.sock', { path: '/run/a b.sock', exportName: 'root' }],
])('%s:%s', (scheme, target, address) => {
  expect(parseNbdAddress(scheme, target)).toEqual(address)
})

test.each<[NbdScheme, string]>([
  ['nbd', ''],
  ['nbd', 'store.example'],
  ['nbd', 'unix:relative.sock'],
  ['nbd', 'store.example:0'],
  ['nbd', 'store.example:70000'],
  ['nbd', 'store.example:1x'],
  ['nbd', '//user@store.example/x'],
  ['nbd', '//store.example/x?socket=/a'],
  ['nbd', '//store.example/%ff'],
  ['nbd', '//store.example:99999/x'],
  ['nbd', '///x'],
  ['nbd+unix', '///x'],
  ['nbd+unix', '///x?socket=relative'],
  ['nbd+unix', '//host/x?socket=/a'],
  ['nbd+unix', '///x?socket=/a&tls=1'],
  ['nbd+unix', '/run/a.sock'],
])('%s:%s is none', (scheme, target) => {
  expect(() => parseNbdAddress(scheme, target)).toThrow('is no address of an NBD export: write nbd:unix:/PATH')
})

test('a place has one name', () => {
  expect(nbdPlaceName({ path: '/a' })).toBe('unix:/a')
  expect(nbdPlaceName({ host: '::1', port: 5 })).toBe('[::1]:5')
  expect(nbdPlaceName({ host: 'h', port: 5 })).toBe('h:5')
})
