import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningDomain } from '../../src/host/hypervisor-api.ts'
import type { Xenstore } from '../../src/xenstore/xenstore.ts'
import { running, type ScriptedHypervisor, startScripted } from './scripted-hypervisor.ts'

const UUID = '0fd8ecd3-2c36-4b22-9b1a-33a0cf2e1c55'
let machine: ScriptedHypervisor
let domain: RunningDomain

beforeAll(async () => {
  machine = await startScripted()
  domain = await machine.hypervisor.createDomain(running('sleep', { name: 'web', memory: 256, vcpus: 2, uuid: UUID }))
})
afterAll(() => machine.hypervisor.stop())

/** `path = value (permissions)`, the way xenstore-ls -fp shows it. */
function* list(store: Xenstore, path: string, shown: string): Generator<string> {
  const perms = store.getPerms(path)?.map(({ domid, access }) => `${access}${domid}`)
  if (shown !== '') yield `${shown} = "${store.read(path)}" (${perms})`
  for (const name of store.ls(path)) yield* list(store, `${path}/${name}`, shown === '' ? name : `${shown}/${name}`)
}

test('a domain has the nodes that a toolstack gives it', () => {
  const store = machine.hypervisor.xenstore
  const gmfn = (pfn: number): string => String(0x100 + pfn)
  expect([...list(store, `/local/domain/${domain.domid}`, '')]).toEqual([
    `vm = "/vm/${UUID}" (n0,r1)`,
    'name = "web" (n0,r1)',
    'domid = "1" (n0,r1)',
    'memory = "" (n0,r1)',
    'memory/static-max = "262144" (n0,r1)',
    'memory/target = "262144" (n0,r1)',
    'memory/videoram = "0" (n0,r1)',
    'control = "" (n0,r1)',
    'control/platform-feature-multiprocessor-suspend = "1" (n0,r1)',
    'control/platform-feature-xs_reset_watches = "1" (n0,r1)',
    'control/shutdown = "" (n1)',
    'control/feature-poweroff = "" (n1)',
    'control/feature-reboot = "" (n1)',
    'control/feature-suspend = "" (n1)',
    'control/sysrq = "" (n1)',
    'device = "" (n0,r1)',
    'device/suspend = "" (n0,r1)',
    'device/suspend/event-channel = "" (n1)',
    'store = "" (n0,r1)',
    'store/port = "1" (n0,r1)',
    `store/ring-ref = "${gmfn(1)}" (n0,r1)`,
    'console = "" (n0,r1)',
    'console/backend = "/local/domain/0/backend/console/1/0" (n0,r1)',
    'console/backend-id = "0" (n0,r1)',
    'console/limit = "1048576" (n0,r1)',
    'console/type = "xenconsoled" (n0,r1)',
    'console/output = "pty" (n0,r1)',
    'console/port = "2" (n0,r1)',
    `console/ring-ref = "${gmfn(2)}" (n0,r1)`,
    'cpu = "" (n0,r1)',
    'cpu/0 = "" (n0,r1)',
    'cpu/0/availability = "online" (n0,r1)',
    'cpu/1 = "" (n0,r1)',
    'cpu/1/availability = "online" (n0,r1)',
    'data = "" (n1)',
    'drivers = "" (n1)',
    'feature = "" (n1)',
    'attr = "" (n1)',
    'error = "" (n1)',
  ])
  expect([...list(store, `/vm/${UUID}`, '')].slice(0, 2)).toEqual([`uuid = "${UUID}" (n0,r1)`, 'name = "web" (n0,r1)'])
})

test('shutdown is asked for in control/shutdown', () => {
  domain.shutdown('reboot')
  expect(machine.hypervisor.xenstore.read(`/local/domain/${domain.domid}/control/shutdown`)).toBe('reboot')
})
