import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunningDomain } from '../../src/host/hypervisor-api.ts'
import { running, type ScriptedHypervisor, startScripted } from './scripted-hypervisor.ts'

let machine: ScriptedHypervisor
let domain: RunningDomain
let heard: string
let changed: PromiseWithResolvers<void>

const node = (name: string): string => `/local/domain/${domain.domid}/control/${name}`
const type = (text: string): boolean => domain.console.write(new TextEncoder().encode(text))
const MESSAGES = {
  SUSPEND_UNSUPPORTED:
    'domain suspendable cannot be suspended: its kernel has not written control/feature-suspend; try again when it has booted',
  SUSPEND_UNDER_WAY: 'domain suspendable is about to be suspended already; wait for that',
  NOT_SUSPENDED: 'domain suspendable is not suspended; suspend it first',
  DOMAIN_SUSPENDED: 'domain suspendable is suspended already; resume it first',
  DOMAIN_ENDED: 'domain suspendable has ended; nothing of it can be suspended',
}
const failure = (code: keyof typeof MESSAGES) =>
  expect.objectContaining({ details: { code, name: 'suspendable' }, message: MESSAGES[code] })
const refusal = (asked: Promise<unknown>): Promise<unknown> => asked.then(() => 'granted').catch((error) => error)

/** Waits for what the guest has written to its console, all of it. */
async function hear(text: string): Promise<void> {
  while (heard !== text) await changed.promise
}

/** The guest suspends itself when it reads `!`, as one with xenstore would by control/shutdown. */
async function suspend(): Promise<Awaited<ReturnType<RunningDomain['suspend']>>> {
  const suspended = domain.suspend()
  expect(machine.hypervisor.xenstore.read(node('shutdown'))).toBe('suspend')
  type('!')
  return suspended
}

describe.each([1, 2])('a domain on %i pCPUs', (pcpus) => {
  beforeEach(async () => {
    machine = await startScripted(pcpus)
    domain = await machine.hypervisor.createDomain(running('suspendable'))
    heard = ''
    changed = Promise.withResolvers()
    domain.console.onOutput((bytes) => {
      heard += new TextDecoder().decode(bytes)
      changed.resolve()
      changed = Promise.withResolvers()
    })
    machine.hypervisor.xenstore.write(node('feature-suspend'), '1')
    domain.unpause()
  })
  afterEach(() => machine.hypervisor.stop())

  test('suspends itself as it is asked, stands still, and goes on where it was', async () => {
    const released: string[] = []
    machine.hypervisor.xenstore.watch('@releaseDomain', (path) => released.push(path))
    for (const round of [1, 2]) {
      const { startInfo, stateHash } = await suspend()
      const { cpuTimeNs, state } = domain.info()
      expect([startInfo, state]).toEqual([77n, 'suspended'])
      const before = stateHash()
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect([domain.info().cpuTimeNs, stateHash()]).toEqual([cpuTimeNs, before])
      // The watch's first call, and one a suspension.
      expect(released).toHaveLength(1 + round)
      type('abc')
      await domain.resume()
      await hear('1ABC'.repeat(round))
    }
    await domain.destroy()
    expect(await domain.ended).toMatchObject({ reason: 'destroyed' })
  })

  test('is not asked before it says that it can, nor twice', async () => {
    machine.hypervisor.xenstore.write(node('feature-suspend'), '')
    expect(await refusal(domain.suspend())).toEqual(failure('SUSPEND_UNSUPPORTED'))
    expect(machine.hypervisor.xenstore.read(node('shutdown'))).toBe('')
    machine.hypervisor.xenstore.write(node('feature-suspend'), '1')
    const asked = domain.suspend()
    expect(await refusal(domain.suspend())).toEqual(failure('SUSPEND_UNDER_WAY'))
    expect(await refusal(domain.resume())).toEqual(failure('NOT_SUSPENDED'))
    type('!')
    await asked
    expect(await refusal(domain.suspend())).toEqual(failure('DOMAIN_SUSPENDED'))
    await domain.resume()
    expect(await refusal(domain.resume())).toEqual(failure('NOT_SUSPENDED'))
  })

  test('may be paused meanwhile', async () => {
    await suspend()
    domain.pause()
    await domain.resume()
    expect([domain.info().state, heard]).toEqual(['paused', ''])
    domain.unpause()
    await hear('1')
  })

  test('that suspends itself too late goes on at once, and may be asked again', async () => {
    const patience = new AbortController()
    const asked = refusal(domain.suspend({ signal: patience.signal }))
    patience.abort('enough')
    expect(await asked).toBe('enough')
    expect(machine.hypervisor.xenstore.read(node('shutdown'))).toBe('')
    expect(await refusal(domain.suspend({ signal: patience.signal }))).toBe('enough')
    type('!')
    await hear('1')
    await suspend()
    await domain.resume()
    await hear('11')
  })

  test.each(['asked', 'suspended'])('can be destroyed when it is %s', async (when) => {
    const asked = refusal(domain.suspend())
    if (when === 'suspended') {
      type('!')
      await asked
    }
    await domain.destroy()
    if (when === 'asked') expect(await asked).toEqual(failure('DOMAIN_ENDED'))
    expect(await domain.ended).toMatchObject({ reason: 'destroyed' })
    expect(await refusal(domain.suspend())).toEqual(failure('DOMAIN_ENDED'))
    expect(await refusal(domain.resume())).toEqual(failure('NOT_SUSPENDED'))
    expect(machine.hypervisor.domains()).toEqual([])
  })

  test('that suspends itself unasked has ended', async () => {
    type('!')
    expect(await domain.ended).toMatchObject({ reason: 'suspend' })
    expect(machine.hypervisor.domains()).toEqual([])
  })
})
