import { expect, test } from 'vitest'
import { DEFAULT_POLICIES } from '../../src/config/policies.ts'
import { MINIMUM_RESTART_TIME, verdict } from '../../src/daemon/lifecycle.ts'

const LONG = MINIMUM_RESTART_TIME

test.each([
  ['poweroff', LONG, 'destroy'],
  ['poweroff', 0, 'destroy'],
  ['reboot', LONG, 'restart'],
  ['crash', LONG, 'restart'],
  ['watchdog', LONG, 'restart'],
  ['suspend', LONG, 'destroy'],
] as const)('without a word in the config, %s after %i s: %s', (reason, seconds, action) => {
  expect(verdict('a', reason, DEFAULT_POLICIES, seconds)).toEqual({ action })
})

test('what ends too soon after its start is not started again', () => {
  expect(verdict('a', 'crash', DEFAULT_POLICIES, LONG - 0.6)).toEqual({
    action: 'destroy',
    refused: 'VM a restarting too fast (Elapsed time: 59 seconds). Refusing to restart to avoid loops.',
  })
})

test('each reason has a policy of its own', () => {
  const policies = { poweroff: 'preserve', reboot: 'destroy', crash: 'preserve' } as const
  expect(verdict('a', 'poweroff', policies, 1)).toEqual({ action: 'preserve' })
  expect(verdict('a', 'reboot', policies, 1)).toEqual({ action: 'destroy' })
  expect(verdict('a', 'watchdog', policies, 1)).toEqual({ action: 'preserve' })
})

test('a core dump comes before what follows it, whether that is refused or not', () => {
  const policies = (crash: 'coredump-destroy' | 'coredump-restart') => ({ ...DEFAULT_POLICIES, crash })
  expect(verdict('a', 'crash', policies('coredump-destroy'), 1)).toEqual({ action: 'destroy', dump: true })
  expect(verdict('a', 'watchdog', policies('coredump-restart'), LONG)).toEqual({ action: 'restart', dump: true })
  expect(verdict('a', 'crash', policies('coredump-restart'), 1)).toMatchObject({ action: 'destroy', dump: true })
  expect(verdict('a', 'reboot', policies('coredump-restart'), LONG)).toEqual({ action: 'restart' })
})

test('one that is kept and started again is so only after a minute', () => {
  const policies = { ...DEFAULT_POLICIES, poweroff: 'rename-restart' } as const
  expect(verdict('a', 'poweroff', policies, LONG)).toEqual({ action: 'rename-restart' })
  expect(verdict('a', 'poweroff', policies, 1)).toMatchObject({ action: 'destroy', refused: expect.any(String) })
})
