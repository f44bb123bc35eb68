import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Hypervisor } from '../../src/host/hypervisor-api.ts'
import { running, startScripted } from './scripted-hypervisor.ts'

let hypervisor: Hypervisor
beforeEach(async () => {
  hypervisor = (await startScripted(1, undefined, ['./idle-device-plugin.ts'])).hypervisor
})
afterEach(() => hypervisor.stop())

const idle = (config: string) => ({ type: 'idle', config })

test('a domain has the devices that it was created with, and others while it is there', async () => {
  const domain = await hypervisor.createDomain(running('sleep', { devices: [idle('first')] }))
  const made = await domain.attachDevice(idle('second'))
  expect(made).toMatchObject({ devid: 1, frontState: 1, backState: 2, facts: { asked: 'second' } })
  expect(made.back).toMatchObject({ b: '2', online: '1', 'frontend-id': String(domain.domid) })
  expect(domain.devices().map(({ facts }) => facts.asked)).toEqual(['first', 'second'])
  hypervisor.xenstore.write(`${made.frontPath}/queue-0/ring-ref`, '8')
  expect(domain.devices()[1]?.front).toMatchObject({ a: '1', 'queue-0/ring-ref': '8' })
  // The guest has no driver of it.
  await domain.detachDevice('idle', 0)
  expect(domain.devices().map(({ devid, front }) => [devid, front.a])).toEqual([[1, '1']])
  expect(hypervisor.xenstore.read('/local/domain/0/backend/idle/1/0/state')).toBeUndefined()
  await domain.destroy()
  expect(domain.devices()).toEqual([])
})

test('what there is not, and what a driver does not do, is told', async () => {
  const domain = await hypervisor.createDomain(running('sleep', { devices: [idle('first')] }))
  await expect(domain.reconfigureDevice('idle', 0, 'other')).rejects.toMatchObject({
    code: 'DEVICE_FIXED',
    message: 'a device of type idle cannot be changed; detach it',
  })
  await expect(domain.detachDevice('idle', 7)).rejects.toMatchObject({
    code: 'DEVICE_UNKNOWN',
    message: 'domain sleep has no idle 7',
  })
  await expect(domain.attachDevice({ type: 'busy', config: '' })).rejects.toMatchObject({
    code: 'DEVICE_TYPE',
    message: 'no plugin has back ends of type busy (there are: idle); add one that has to the plugins',
  })
})

test('a device that cannot be had is told of where it was asked for, and nothing is left of the domain', async () => {
  const refused = { ...idle('refused'), where: 'guest.cfg:3: idle' }
  await expect(hypervisor.createDomain(running('sleep', { devices: [idle('first'), refused] }))).rejects.toMatchObject({
    code: 'IDLE_REFUSED',
    message: 'guest.cfg:3: idle: this one is refused; ask for another',
  })
  expect(hypervisor.domains()).toEqual([])
  const domain = await hypervisor.createDomain(running('sleep'))
  await expect(domain.attachDevice(idle('refused'))).rejects.toThrow(/^this one is refused; ask for another$/)
})
