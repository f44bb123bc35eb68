import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RunningDomain } from '../../src/host/hypervisor-api.ts'
import { running, type ScriptedHypervisor, startScripted } from './scripted-hypervisor.ts'

let machine: ScriptedHypervisor
beforeEach(async () => {
  machine = await startScripted()
})
afterEach(() => machine.hypervisor.stop())

const turn = (): Promise<void> => new Promise(setImmediate)

test('tell of a domain from its creation to its end, and of nothing to who listens no longer', async () => {
  const { events } = machine.hypervisor
  const heard: string[] = []
  const created = (domain: RunningDomain): unknown => heard.push(`${domain.name} is ${domain.info().state}`)
  events.on('domain-created', created)
  events.once('domain-ended', ({ name }, { reason }) => heard.push(`${name} ended by ${reason}`))
  const first = await machine.hypervisor.createDomain(running('poweroff'))
  expect(heard).toEqual(['poweroff is paused'])
  first.unpause()
  await first.ended
  await turn()
  expect(heard.splice(0)).toEqual(['poweroff is paused', 'poweroff ended by poweroff'])
  events.off('domain-created', created)
  const second = await machine.hypervisor.createDomain(running('sleep'))
  await second.destroy()
  await turn()
  expect(heard).toEqual([])
})

test('tell of crashes and bugs to every listener, and to the one that was there first', async () => {
  const heard: string[] = []
  machine.hypervisor.events.on('report', ({ kind, domid }) => heard.push(`${kind} ${domid}`))
  const domain = await machine.hypervisor.createDomain(running('misbehave'))
  domain.unpause()
  await domain.ended
  expect(heard).toEqual(['crash 1'])
  expect(machine.reports).toHaveLength(1)
})

test.each([
  ['throws', () => fail()],
  ['rejects', async () => fail()],
])('a listener that %s is reported, and the others hear all the same', async (_, failing) => {
  const { events } = machine.hypervisor
  const heard: string[] = []
  events.on('domain-created', failing)
  events.on('domain-created', ({ name }) => heard.push(name))
  const domain = await machine.hypervisor.createDomain(running('poweroff'))
  await turn()
  expect(heard).toEqual(['poweroff'])
  expect(machine.reports).toEqual(['listener 0 a listener of domain-created failed: Error: it fell over'])
  domain.unpause()
  expect((await domain.ended).reason).toBe('poweroff')
})

test('a listener that cannot take a report gets no report of it', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  machine.hypervisor.events.on('report', fail)
  const domain = await machine.hypervisor.createDomain(running('misbehave'))
  domain.unpause()
  await domain.ended
  expect((await warned).message).toMatch(/^a listener of report failed: Error: it fell over/)
  expect(machine.reports).toHaveLength(1)
})

function fail(): never {
  throw new Error('it fell over')
}

test('files may be named by their paths, and what has a default left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paravane-files-'))
  try {
    const kernel = join(folder, 'kernel')
    writeFileSync(kernel, 'bytes')
    const domain = await machine.hypervisor.createDomain({
      name: 'by-path',
      kernel,
      ramdisk: kernel,
      cmdline: 'sleep',
      memory: 1,
    })
    expect(domain.info()).toMatchObject({ vcpus: 1, state: 'paused' })
    const ramdisk = join(folder, 'none')
    await expect(machine.hypervisor.createDomain({ name: 'other', kernel, ramdisk, memory: 1 })).rejects.toThrow(
      `ramdisk: ${ramdisk} cannot be read (ENOENT); name a file that can be`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
