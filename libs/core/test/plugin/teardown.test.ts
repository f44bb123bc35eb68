import { expect, test } from 'vitest'
import { Teardown } from '../../src/plugin/teardown.ts'

test('stops in reverse, each awaited, whatever fails, and once', async () => {
  const log: string[] = []
  const teardown = new Teardown()
  teardown.add('disk', () => void log.push('disk'))
  teardown.add('link', () => {
    log.push('link')
    throw new Error('cable')
  })
  teardown.add('guest', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    log.push('guest')
    throw new Error('stuck')
  })
  const failure = await teardown.run().catch((error: unknown) => error)
  expect(log).toEqual(['guest', 'link', 'disk'])
  expect(failure).toBeInstanceOf(AggregateError)
  expect((failure as AggregateError).message).toBe('guest did not stop cleanly; link did not stop cleanly')
  expect((failure as AggregateError).errors.map(({ cause }) => cause.message)).toEqual(['stuck', 'cable'])
  await expect(teardown.run()).rejects.toBe(failure)
  expect(log).toHaveLength(3)
})
