import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Database } from '../../src/daemon/database.ts'
import { Domains } from '../../src/daemon/domains.ts'
import { ManagedDomains } from '../../src/daemon/managed-domains.ts'
import { ScriptedHypervisor, wayTo } from './scripted-control.ts'
import { SILENT } from './silent.ts'

let folder: string
let database: Database
let hypervisor: ScriptedHypervisor
let managed: ManagedDomains
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paravane-managed-'))
  database = new Database(join(folder, 'xend.db'))
  hypervisor = new ScriptedHypervisor()
  const init = { control: wayTo(hypervisor), database, log: SILENT }
  managed = new ManagedDomains({ ...init, domains: new Domains({ ...init, dumps: folder, bootFolder: folder }) })
})
afterEach(async () => {
  database.close()
  await rm(folder, { recursive: true })
})

test('a domain that two start at once is started once, and the other is told', async () => {
  managed.define({
    config: { name: 'a', uuid: '01234567-89ab-cdef-0123-456789abcdef', kernel: '/k', cmdline: '', memory: 8, vcpus: 1 },
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
