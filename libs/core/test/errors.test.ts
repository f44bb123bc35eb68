import { expect, test } from 'vitest'
import { bugOn, CodedError, DomainCrash, HypervisorBug } from '../src/errors.ts'

test('a domain crash names the domain and the reason', () => {
  const crash = new DomainCrash(7, 'iret frame cannot be read')
  expect([String(crash), crash.domid, crash.reason]).toEqual([
    'DomainCrash: d7: iret frame cannot be read',
    7,
    'iret frame cannot be read',
  ])
})

test('bugOn throws only when its condition holds', () => {
  expect(() => bugOn(false, 'never')).not.toThrow()
  expect(() => bugOn(true, 'type count below zero')).toThrow(new HypervisorBug('type count below zero'))
})

test('a coded error keeps its details and its cause', () => {
  const cause = new Error('EBUSY')
  const details = { code: 'DISK_LOCKED', path: '/srv/a.img' } as const
  const error = new CodedError(details, '/srv/a.img is in use: stop the domain that has it', { cause })
  const code: 'DISK_LOCKED' = error.code
  expect([code, error.details.path, error.cause]).toEqual(['DISK_LOCKED', '/srv/a.img', cause])
})
