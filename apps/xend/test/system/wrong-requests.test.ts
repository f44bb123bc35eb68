/** What clients of the sockets are told of parameters that are none: what each may be. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { xendSocket } from '../../src/folders.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { obtainHelloGuest } from '../../src/start/hello-guest.ts'
import { System } from './system.ts'

let system: System
let xend: RpcClient
beforeAll(async () => {
  system = await System.start()
  xend = new RpcClient({ name: 'xend', path: xendSocket(system.places) })
})
afterAll(() => system.stop())

const DEVICES = '"devices" must be a list of {type, config, where}'
const PCPUS = 'a list of numbers of pCPUs'
const SETTINGS = '"settings" must be a list of {key, value, where}'
const domain = {
  name: 'a',
  uuid: '01234567-89ab-cdef-0123-456789abcdef',
  kernel: '/k',
  memory: 8,
  vcpus: 1,
  record: '',
}

test.each([
  ['domain.create', {}, SETTINGS],
  ['domain.create', { settings: [{ key: 'name', value: 'a' }] }, SETTINGS],
  ['domain.new', { settings: 'name=a' }, SETTINGS],
  ['domain.start', { domain: 'a', paused: 'no' }, '"paused" must be true or false'],
  ['domain.rename', { domain: 'a' }, '"name" must be a string'],
  ['domain.frob', {}, undefined],
  ['domain.pause', { domain: 'a', force: true }, '"force" is unknown; known keys: domain'],
  ['vcpu.pin', { domain: 'a', vcpu: 0, cpus: '0-3' }, `"cpus" must be ${PCPUS}`],
  ['vcpu.pin', { domain: 'a', vcpu: 0, cpus: [0.5] }, `"cpus" must be ${PCPUS}`],
  ['device.attach', { domain: 'a', type: 'vtpm', config: '' }, '"type" must be vbd or vif'],
] as const)("xend's %s with %j", async (method, params, why) => {
  const message = why === undefined ? `there is no method ${method}` : `${method}: ${why}`
  await expect(xend.call(method, params)).rejects.toMatchObject({ message })
})

test('domain 0 has no devices', async () => {
  await expect(xend.call('device.list', { domain: '0' })).rejects.toThrow(
    "Cannot list the devices of privileged domain Domain-0: it is the hypervisor's own process",
  )
})

test.each([
  ['domain.pause', { domid: 0 }, '"domid" must be a whole number from 1 to 32751'],
  ['domain.pause', { domid: '1' }, '"domid" must be a whole number from 1 to 32751'],
  ['domain.shutdown', { domid: 1, how: 'slowly' }, '"how" must be poweroff, reboot, or halt'],
  ['domain.note', { domid: 1, record: 'x'.repeat(262_145) }, '"record" must be a text of at most 262144 characters'],
  ['domain.rename', { domid: 1, name: 'a b' }, '"name" must be a name of letters, digits and _ . : + -'],
  ['domain.sysrq', { domid: 1, key: 'hh' }, '"key" must be one letter or digit'],
  ['domain.trigger', { domid: 1, trigger: 'nmi', vcpu: 64 }, '"vcpu" must be a whole number from 0 to 63'],
  ['domain.pin', { domid: 1, vcpu: 0, cpus: 0 }, `"cpus" must be ${PCPUS}`],
  ['domain.set-online', { domid: 1, vcpus: ['0'] }, '"vcpus" must be a list of numbers of vCPUs'],
  ['domain.create', { ...domain, affinity: [0, 1] }, '"affinity" must be a list of lists of numbers of pCPUs'],
  ['domain.create', { ...domain, devices: [{ config: '' }] }, DEVICES],
  ['domain.create', { ...domain, devices: [{ type: 'vbd', where: 3 }] }, DEVICES],
  ['sched.set', { domid: 1, params: { weight: 'much' } }, '"params" must be numbers by the name of the parameter'],
  ['sched.set', { domid: 1, params: [1] }, '"params" must be numbers by the name of the parameter'],
  ['device.attach', { domid: 1, config: '' }, '"type" must be a string'],
  ['device.detach', { domid: 1, type: 'vbd', devid: -1 }, '"devid" must be a whole number from 0 to 2147483647'],
  [
    'device.detach',
    { domid: 1, type: 'vbd', devid: 0, timeout: 1e6 },
    '"timeout" must be a whole number from 0 to 600000',
  ],
  ['domain.list', { all: true }, '"all" is unknown; known keys: none'],
] as const)("the hypervisor's %s with %j", async (method, params, why) => {
  await expect(system.control.call(method, params)).rejects.toMatchObject({
    code: 'RPC_PARAMS',
    message: `${method}: ${why}`,
  })
})

test('a client that asks for a domain again, as it did not hear the answer, gets no second', async () => {
  const asked = { ...domain, kernel: await obtainHelloGuest(() => {}) }
  await system.control.call('domain.create', asked)
  await expect(system.control.call('domain.create', { ...asked, name: 'b' })).rejects.toMatchObject({
    code: 'DOMAIN_EXISTS',
    message: `a domain b with the UUID ${domain.uuid} is there already`,
  })
  expect((await system.domains()).map(({ name }) => name)).toEqual(['a'])
})
