import { homedir } from 'node:os'
import { expect, test } from 'vitest'
import { cacheFolder } from '../../src/guest-image/cache-folder.ts'

test.each([
  ['/var/cache/me', '/var/cache/me/paravane'],
  ['relative/path', `${homedir()}/.cache/paravane`],
  ['', `${homedir()}/.cache/paravane`],
  [undefined, `${homedir()}/.cache/paravane`],
])('XDG_CACHE_HOME=%s', (value, expected) => {
  expect(cacheFolder({ XDG_CACHE_HOME: value })).toBe(expected)
})
