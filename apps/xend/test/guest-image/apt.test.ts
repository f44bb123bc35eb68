import { expect, test } from 'vitest'
import { parseStanza } from '../../src/guest-image/apt.ts'

test('the first stanza gives name, version, size and dependencies', () => {
  const text = [
    'Package: linux-image-cloud-amd64',
    'Version: 6.1.176-1',
    'Depends: linux-image-6.1.0-50-cloud-amd64 (= 6.1.176-1), kmod | busybox, initramfs-tools:any',
    'Description: Linux for x86-64 cloud',
    ' Version: 9 on a continuation line is not a field.',
    'Size: 1500',
    '',
    'Package: another',
    'Version: 1',
  ].join('\n')
  expect(parseStanza(text)).toEqual({
    name: 'linux-image-cloud-amd64',
    version: '6.1.176-1',
    depends: ['linux-image-6.1.0-50-cloud-amd64', 'kmod', 'initramfs-tools'],
    size: 1500,
  })
})

test('a package without dependencies has none', () => {
  expect(parseStanza('Package: a\nVersion: 1\n')).toEqual({ name: 'a', version: '1', depends: [], size: 0 })
})

test('what is no stanza is no package', () => {
  expect(parseStanza('')).toBeUndefined()
  expect(parseStanza('N: No packages found\n')).toBeUndefined()
})
