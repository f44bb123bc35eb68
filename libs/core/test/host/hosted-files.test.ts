import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { collectGarbage } from '../../src/host/thread-memory.ts'
import { running, startScripted } from './scripted-hypervisor.ts'

test("a domain's files are let go of when it is built", async () => {
  const { hypervisor } = await startScripted()
  try {
    const kernel = await created()
    await turn()
    collectGarbage()
    expect(kernel.deref()).toBeUndefined()
    expect(hypervisor.domains()).toHaveLength(1)
  } finally {
    await hypervisor.stop()
  }

  async function created(): Promise<WeakRef<Uint8Array>> {
    const bytes = new Uint8Array(1000)
    await hypervisor.createDomain(running('sleep', { kernel: { bytes, name: 'kernel' } }))
    return new WeakRef(bytes)
  }
})
