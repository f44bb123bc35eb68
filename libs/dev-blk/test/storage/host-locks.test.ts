import { fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { type HostLock, HostLocks } from '../../src/storage/host-locks.ts'

/** Another process, with a lock of its own. */
async function other(
  identity: string,
  exclusive: boolean,
): Promise<{ pid: number; answer: unknown; end: () => Promise<void> }> {
  const child = fork(new URL('./lock-holder.ts', import.meta.url), [identity, String(exclusive)], {
    execArgv: ['--conditions=@paravane/source'],
  })
  const [answer] = await once(child, 'message')
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { pid: child.pid as number, answer, end }
}

let last = 0
const fresh = (): string => `test ${process.pid}:${++last}`

describe('a disk is held against other processes', () => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
  ])('where one that %s and one that %s writes it, the second is told of the first', async (first, second) => {
    const identity = fresh()
    const locks = new HostLocks()
    const lock = (await locks.hold(identity, first)) as HostLock
    const { answer, end } = await other(identity, second)
    expect(answer).toBe(process.pid)
    await end()
    lock.release()
    const again = await other(identity, second)
    expect(again.answer).toBe('held')
    expect(await locks.hold(identity, first)).toBe(again.pid)
    // The kernel takes it back, however the process dies.
    await again.end()
    const own = (await locks.hold(identity, first)) as HostLock
    expect(own.first).toBe(true)
    own.release()
  })

  it('all may read it', async () => {
    const identity = fresh()
    const lock = (await new HostLocks().hold(identity, false)) as HostLock
    const { answer, end } = await other(identity, false)
    expect(answer).toBe('held')
    await end()
    lock.release()
  })

  it('one process may hold it more than once, and it ends with the last', async () => {
    const identity = fresh()
    const locks = new HostLocks()
    const holds = [
      await locks.hold(identity, true),
      await locks.hold(identity, true),
      await locks.hold(identity, false),
    ]
    expect(holds.map((hold) => (hold as HostLock).first)).toEqual([true, false, false])
    for (const hold of holds) {
      const { answer, end } = await other(identity, true)
      expect(answer).toBe(process.pid)
      await end()
      ;(hold as HostLock).release()
      ;(hold as HostLock).release()
    }
    const { answer, end } = await other(identity, true)
    expect(answer).toBe('held')
    await end()
  })
})
