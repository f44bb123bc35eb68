/** What the owner of a domain can see of it and change while it lives. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RunningDomain } from '../../src/host/hypervisor-api.ts'
import { running, type ScriptedHypervisor, startScripted } from './scripted-hypervisor.ts'

let machine: ScriptedHypervisor

beforeEach(async () => {
  machine = await startScripted(2)
})
afterEach(() => machine.hypervisor.stop())

async function started(program: string, more: object = {}): Promise<RunningDomain> {
  const domain = await machine.hypervisor.createDomain(running(program, more))
  domain.unpause()
  return domain
}

async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(setImmediate)
}

test('a renamed domain has its new name everywhere, and the old one is free', async () => {
  const { hypervisor } = machine
  const domain = await started('sleep', { name: 'old' })
  domain.rename('new')
  expect(domain.name).toBe('new')
  expect(hypervisor.xenstore.read(`/local/domain/${domain.domid}/name`)).toBe('new')
  expect(hypervisor.xenstore.read(`/vm/${domain.uuid}/name`)).toBe('new')
  await expect(started('sleep', { name: 'new' })).rejects.toMatchObject({ details: { code: 'DOMAIN_EXISTS' } })
  const other = await started('sleep', { name: 'old' })
  expect(() => other.rename('new')).toThrow(
    expect.objectContaining({ details: { code: 'DOMAIN_EXISTS', name: 'new' } }),
  )
  expect(() => other.rename('a b')).toThrow(/^name="a b"/)
  expect(other.name).toBe('old')
  other.rename('old')
})

test('a domain that makes place for another has another UUID, too, and leaves nothing of either behind', async () => {
  const { xenstore } = machine.hypervisor
  const [uuid, later] = ['01234567-89ab-cdef-0123-456789abcdef', 'fedcba98-7654-3210-fedc-ba9876543210']
  const old = await started('sleep', { name: 'guest', uuid })
  const startTime = xenstore.read(`/vm/${uuid}/start_time`)
  old.rename('kept', later)
  expect([old.name, old.uuid]).toEqual(['kept', later])
  expect(xenstore.read(`/vm/${uuid}`)).toBeUndefined()
  const vm = ['uuid', 'name', 'start_time'].map((node) => xenstore.read(`/vm/${later}/${node}`))
  expect(vm).toEqual([later, 'kept', startTime])
  expect(xenstore.read(`/local/domain/${old.domid}/vm`)).toBe(`/vm/${later}`)
  expect(() => old.rename('kept', 'me')).toThrow(/^uuid=me: give it as/)
  await started('sleep', { name: 'guest', uuid })
  await old.destroy()
  expect(xenstore.read(`/vm/${later}`)).toBeUndefined()
  expect(xenstore.read(`/vm/${uuid}/name`)).toBe('guest')
})

test('vCPUs are shown with where they run, and those that are down are offline', async () => {
  const domain = await started('spin', { vcpus: 2 })
  await until(() => domain.vcpus()[0]!.cpuTimeNs > 0n)
  const [first, second] = domain.vcpus()
  expect(first).toMatchObject({ vcpu: 0, online: true, affinity: [0, 1] })
  expect(first!.state).toMatch(/^runn(ing|able)$/)
  expect([0, 1]).toContain(first!.pcpu)
  expect(second).toEqual({ vcpu: 1, online: false, pcpu: undefined, state: 'offline', cpuTimeNs: 0n, affinity: [0, 1] })
  const sleeper = await started('sleep')
  await until(() => sleeper.vcpus()[0]!.state === 'blocked')
})

test('a pinned vCPU runs where it may, from its creation on and after a change', async () => {
  const domain = await started('spin', { affinity: [[1, 1, 9]] })
  await until(() => domain.vcpus()[0]!.cpuTimeNs > 0n)
  expect(domain.vcpus()[0]).toMatchObject({ pcpu: 1, affinity: [1] })
  domain.pin(0, [0])
  await until(() => domain.vcpus()[0]!.pcpu === 0)
  expect(domain.vcpus()[0]!.affinity).toEqual([0])
  expect(() => domain.pin(0, [])).toThrow(/pinned to no pCPU at all; there are pCPUs 0 to 1/)
  expect(() => domain.pin(0, [2, 0.5])).toThrow(/pinned to pCPU 2,0.5/)
  expect(() => domain.pin(1, [0])).toThrow(/has no vCPU 1; it has only 0/)
  expect(domain.vcpus()[0]!.affinity).toEqual([0])
})

test('the parameters of the scheduler are its own to judge', async () => {
  const domain = await started('sleep')
  expect(domain.schedulerParams()).toEqual({})
  domain.adjustScheduler({})
  expect(() => domain.adjustScheduler({ weight: 3, cap: 1 })).toThrow(
    'the scheduler refuses weight=3, cap=1: it has no weight and no cap; leave it out',
  )
})

test('which vCPUs are to be up stands in the store, from its creation on and after a change', async () => {
  const domain = await started('sleep', { vcpus: 3, online: [0, 2] })
  const store = (): (string | undefined)[] =>
    [0, 1, 2].map((vcpu) => machine.hypervisor.xenstore.read(`/local/domain/${domain.domid}/cpu/${vcpu}/availability`))
  expect(store()).toEqual(['online', 'offline', 'online'])
  domain.setOnline([0, 1])
  expect(store()).toEqual(['online', 'online', 'offline'])
  for (const wrong of [[], [1], [0, 3], [0, 0.5], [0, -1]]) {
    expect(() => domain.setOnline(wrong)).toThrow(
      `online=${wrong}: give numbers of vCPUs from 0 to 2, and 0 among them`,
    )
  }
  expect(store()).toEqual(['online', 'online', 'offline'])
  await expect(started('sleep', { name: 'other', vcpus: 1, online: [0, 1] })).rejects.toThrow(/^online=0,1: give/)
})

test('a sysrq key is left in the store', async () => {
  const domain = await started('sleep')
  domain.sysrq('h')
  expect(machine.hypervisor.xenstore.read(`/local/domain/${domain.domid}/control/sysrq`)).toBe('h')
})

test('of a domain that is gone nothing can be changed, and its numbers stay', async () => {
  const domain = await started('sleep')
  await domain.destroy()
  expect(domain.vcpus()).toEqual([])
  for (const change of [
    () => domain.rename('other'),
    () => domain.pin(0, [0]),
    () => domain.schedulerParams(),
    () => domain.adjustScheduler({ weight: 1 }),
    () => domain.sendNmi(0),
    () => domain.setOnline([0]),
    () => domain.sysrq('h'),
  ]) {
    expect(change).toThrow('domain sleep has ended')
  }
  expect(domain.info().memoryMiB).toBe(1)
})
