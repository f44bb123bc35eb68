import { expect, test } from 'vitest'
import { MALLOC, startOver, YOUNG } from '../../src/host-memory.ts'

type Over = Parameters<NonNullable<NodeJS.Process['execve']>>

/** What it is started over with, if it is. */
function startedOver(more: object = {}): Over | undefined {
  let over: Over | undefined
  const around = {
    env: { HOME: '/root' },
    execPath: '/bin/node',
    execArgv: ['--conditions=x'],
    argv: ['/bin/node', '/xend/main.ts', '--memory', '64'],
    platform: 'linux',
    execve: (...args: Over) => {
      over = args
    },
    ...more,
  }
  startOver(around as unknown as NodeJS.Process)
  return over
}

test('it is started over with the same arguments, limits for malloc and for young objects', () => {
  expect(startedOver()).toEqual([
    '/bin/node',
    ['/bin/node', ...YOUNG, '--conditions=x', '/xend/main.ts', '--memory', '64'],
    { HOME: '/root', ...MALLOC },
  ])
})

test('once', () => {
  const [, args, env] = startedOver()!
  expect(startedOver({ argv: args, env })).toBeUndefined()
})

test.each([
  ['the user has limits of their own', { env: { MALLOC_TRIM_THRESHOLD_: '1000000' } }],
  ['another process talks to it', { channel: {} }],
  ['Node cannot', { execve: undefined }],
  ['there is no glibc', { platform: 'darwin' }],
])('not where %s', (_, more) => {
  expect(startedOver(more)).toBeUndefined()
})

test('where it is not allowed it goes on', () => {
  const refused = (): never => {
    throw new Error('Access to this API has been restricted')
  }
  expect(() => startedOver({ execve: refused })).not.toThrow()
})
