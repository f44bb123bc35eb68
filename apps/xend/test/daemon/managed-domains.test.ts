import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DeviceConfig } from '../../src/config/device-keys.ts'
import { Database } from '../../src/daemon/database.ts'
import { Domains } from '../../src/daemon/domains.ts'
import { KeptChanges } from '../../src/daemon/kept-changes.ts'
import { ManagedDomains } from '../../src/daemon/managed-domains.ts'
import { ScriptedHypervisor, wayTo } from './scripted-control.ts'
import { SILENT } from './silent.ts'

const UUID = '01234567-89ab-cdef-0123-456789abcdef'
let folder: string
let database: Database
let hypervisor: ScriptedHypervisor
let managed: ManagedDomains
let domains: Domains
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-managed-'))
  database = new Database(join(folder, 'xend.db'))
  hypervisor = new ScriptedHypervisor()
  const init = { control: wayTo(hypervisor), database, log: SILENT }
  domains = new Domains({ ...init, dumps: folder, bootFolder: folder })
  managed = new ManagedDomains({ ...init, domains })
})
afterEach(async () => {
  database.close()
  await rm(folder, { recursive: true })
})

test('a domain that two start at once is started once, and the other is told', async () => {
  managed.define({
    config: { name: 'a', uuid: UUID, kernel: '/k', cmdline: '', memory: 8, vcpus: 1 },
    policies: { poweroff: 'destroy', reboot: 'restart', crash: 'restart' },
  })
  const [first, second] = await Promise.allSettled([managed.start('a', false), managed.start('a', false)])
  expect(first).toMatchObject({ status: 'fulfilled', value: { name: 'a', domid: 1 } })
  expect(second).toMatchObject({
    status: 'rejected',
    reason: { code: 'DOMAIN_BUSY', message: "Domain 'a' is being started or ended; try again" },
  })
  expect(hypervisor.rows).toHaveLength(1)
})

test('a guest that reboots has the devices again, with those that it got meanwhile', async () => {
  const first = { type: 'vbd', config: 'file:/a,xvda,w', where: 'a.cfg:2: disk' } as const
  const second = { type: 'vif', config: 'mac=00:16:3e:00:00:01' } as const
  const config = { name: 'a', uuid: UUID, kernel: '/k', cmdline: '', memory: 8, vcpus: 1, devices: [first] }
  const policies = { poweroff: 'destroy', reboot: 'restart', crash: 'restart' } as const
  await domains.launch({ config, policies, unpause: true, started: Date.now() - 61_000 })
  const kept = new KeptChanges(domains, managed, wayTo(hypervisor))
  const add = (device: DeviceConfig) => kept.keep(UUID, ({ devices = [] }) => ({ devices: [...devices, device] }))
  const third = { type: 'vbd', config: 'file:/b,xvdb,w' } as const
  // Neither loses what the other keeps.
  await Promise.all([add(second), add(third)])
  hypervisor.end('a', 'reboot')
  await domains.look()
  await expect.poll(() => hypervisor.created.length).toBe(2)
  expect(hypervisor.created.map(({ devices }) => devices)).toEqual([[first], [first, second, third]])
})
