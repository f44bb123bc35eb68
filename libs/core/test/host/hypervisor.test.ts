import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { running, type ScriptedHypervisor, startScripted } from './scripted-hypervisor.ts'

let machine: ScriptedHypervisor
const decoder = new TextDecoder()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function endOf(program: string): Promise<{ reason: string; detail?: string }> {
  const domain = await machine.hypervisor.createDomain(running(program))
  domain.unpause()
  const { cpuTimeNs, ...end } = await domain.ended
  expect(cpuTimeNs).toBe(domain.info().cpuTimeNs)
  return end
}

/** Nothing of any domain is left. */
function expectNothingLeft(): void {
  const { hypervisor } = machine
  expect(hypervisor.domains()).toEqual([])
  expect(hypervisor.xenstore.ls('/local/domain')).toEqual([])
  expect(hypervisor.xenstore.ls('/vm')).toEqual([])
}

describe.each([1, 2])('domains on %i pCPUs', (pcpus) => {
  beforeEach(async () => {
    machine = await startScripted(pcpus)
  })
  afterEach(() => machine.hypervisor.stop())

  test.each([
    ['poweroff', { reason: 'poweroff' }],
    ['reboot', { reason: 'reboot' }],
    ['suspend', { reason: 'suspend' }],
    ['watchdog', { reason: 'watchdog' }],
    ['panic', { reason: 'crash', detail: "the guest's kernel reported it" }],
    ['unknown', { reason: 'crash', detail: 'shutdown reason 200 is unknown' }],
    ['misbehave', { reason: 'crash', detail: 'it walked off' }],
  ])('%s ends a domain and leaves nothing behind', async (program, end) => {
    expect(await endOf(program)).toEqual(end)
    expectNothingLeft()
  })

  test('a bug of ours costs the domain, not the machine, and the locks it held are free', async () => {
    const { reason, detail } = await endOf('bug')
    expect(reason).toBe('crash')
    expect(detail).toMatch(/a row of the table is missing/)
    expect(machine.reports).toEqual(['bug 1 HypervisorBug: a row of the table is missing'])
    expectNothingLeft()
    expect(await endOf('poweroff')).toEqual({ reason: 'poweroff' })
  })

  test('guests take turns, and any of them can be destroyed while it runs, sleeps or is paused', async () => {
    const { hypervisor } = machine
    const names = ['spin', 'other-spin', 'sleep', 'paused']
    const domains = await Promise.all(
      names.map((name) => hypervisor.createDomain(running(name === 'sleep' ? 'sleep' : 'spin', { name }))),
    )
    for (const domain of domains.slice(0, 3)) domain.unpause()
    const [spin, otherSpin, sleep, paused] = domains
    for (;;) {
      const shown = [spin, otherSpin].map((it) => it!.info().cpuTimeNs > 0n)
      if (shown.every(Boolean) && sleep!.info().state === 'blocked') break
      await new Promise(setImmediate)
    }
    expect(paused!.info()).toMatchObject({ state: 'paused', cpuTimeNs: 0n })
    await Promise.all(domains.map((domain) => domain.destroy()))
    for (const domain of domains) expect(await domain.ended).toMatchObject({ reason: 'destroyed' })
    expectNothingLeft()
  })

  test('pause stops a domain, unpause lets it go on', async () => {
    const domain = await machine.hypervisor.createDomain(running('spin'))
    expect(domain.info().state).toBe('paused')
    domain.unpause()
    while (domain.info().cpuTimeNs === 0n) await new Promise(setImmediate)
    domain.pause()
    domain.pause()
    expect(domain.info().state).toBe('paused')
    let before = -1n
    for (let now = domain.info().cpuTimeNs; now !== before; now = domain.info().cpuTimeNs) {
      before = now
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    domain.unpause()
    while (domain.info().cpuTimeNs === before) await new Promise(setImmediate)
    expect(domain.info().state).toBe('running')
  })

  test("what is typed goes to the guest's console, what it writes comes back", async () => {
    const domain = await machine.hypervisor.createDomain(running('echo'))
    const expected = `${'the quick brown fox '.repeat(400)}\n`
    let heard = ''
    const all = new Promise<void>((resolve) => {
      domain.console.onOutput((output) => {
        heard += decoder.decode(output)
        if (heard.length >= expected.length) resolve()
      })
    })
    domain.unpause()
    for (let at = 0; at < expected.length; at += 700) domain.console.write(bytes(expected.slice(at, at + 700)))
    await all
    expect(heard).toBe(expected.toUpperCase())
    await domain.destroy()
    domain.console.write(bytes('to nobody'))
  })

  test("console_io goes to the hypervisor's log", async () => {
    await endOf('log')
    expect(machine.log).toEqual(['1 early words'])
  })

  test('a domain to be preserved stays until it is destroyed', async () => {
    const domain = await machine.hypervisor.createDomain(running('panic', { preserve: true }))
    domain.unpause()
    expect(await domain.ended).toMatchObject({ reason: 'crash' })
    expect(domain.info().state).toBe('crashed')
    expect(machine.hypervisor.domains()).toEqual([domain])
    await domain.destroy()
    await domain.destroy()
    expectNothingLeft()
  })

  test.each([
    ['a kernel the engine refuses', { cmdline: 'nonsense' }, 'KERNEL_INVALID', /no program nonsense/],
    ['no name', { name: '' }, 'DOMAIN_CONFIG', /^name="": give 1 to 64 letters, digits or \._:\+\/-$/],
    ['a fraction of memory', { memory: 1.5 }, 'DOMAIN_CONFIG', /^memory=1\.5: give a whole number of MiB$/],
    ['too many vCPUs', { vcpus: 65 }, 'DOMAIN_CONFIG', /^vcpus=65: give a whole number from 1 to 64$/],
    [
      'a long command line',
      { cmdline: 'x'.repeat(1024) },
      'DOMAIN_CONFIG',
      /^the kernel's command line has 1024 bytes: give at most 1023$/,
    ],
    [
      'a UUID that is none',
      { uuid: 'mine' },
      'DOMAIN_CONFIG',
      /^uuid=mine: give it as 8-4-4-4-12 lower-case hex digits$/,
    ],
    ['hashes in real time', { stateHashes: { every: 1_000_000n, taken: () => {} } }, 'DOMAIN_CONFIG', /virtual clock/],
    ['a weight the scheduler lacks', { weight: 512 }, 'SCHEDULER_PARAMS', /weight=512/],
    ['no pCPU to run on', { affinity: [[7]] }, 'AFFINITY', /pinned to pCPU 7; there (are pCPUs 0 to 1|is only pCPU 0)/],
  ])('%s is refused, and nothing is left', async (_what, more, code, message) => {
    const error = await machine.hypervisor.createDomain(running('sleep', more)).catch((it: unknown) => it)
    expect(error).toMatchObject({ details: { code } })
    expect((error as Error).message).toMatch(message)
    expectNothingLeft()
  })

  test('two domains cannot have the same name, one after the other can', async () => {
    const first = await machine.hypervisor.createDomain(running('sleep'))
    await expect(machine.hypervisor.createDomain(running('sleep'))).rejects.toMatchObject({
      details: { code: 'DOMAIN_EXISTS' },
      message: 'a domain named sleep runs already; destroy it or give another name',
    })
    await first.destroy()
    expect((await machine.hypervisor.createDomain(running('sleep'))).domid).toBeGreaterThan(first.domid)
  })

  test('nor can two that are made at once', async () => {
    const made = await Promise.allSettled([1, 2].map(() => machine.hypervisor.createDomain(running('sleep'))))
    expect(made).toMatchObject([
      { status: 'fulfilled' },
      { reason: { message: 'a domain named sleep runs already; destroy it or give another name' } },
    ])
    expect(machine.hypervisor.domains()).toHaveLength(1)
  })

  test('stop destroys what is there', async () => {
    const domain = await machine.hypervisor.createDomain(running('spin'))
    domain.unpause()
    await machine.hypervisor.stop()
    expect(await domain.ended).toMatchObject({ reason: 'destroyed' })
    machine = await startScripted(pcpus)
  })

  test('when a pCPU is lost its domains crash, and no new one is made', async () => {
    const { hypervisor, reports } = machine
    const bystander = await hypervisor.createDomain(running('sleep'))
    bystander.unpause()
    const domain = await hypervisor.createDomain(running('death'))
    domain.unpause()
    const lost = { reason: 'crash', detail: expect.stringMatching(/^pCPU \d died/) }
    expect(await domain.ended).toMatchObject(lost)
    expect(await bystander.ended).toMatchObject(lost)
    expect(reports).toEqual([expect.stringMatching(/^bug 0 pCPU \d died: its thread ended with code 3/)])
    await expect(hypervisor.createDomain(running('sleep'))).rejects.toMatchObject({
      details: { code: 'PCPU_DIED' },
      message: expect.stringMatching(/^pCPU \d died: its thread ended with code 3; start the hypervisor again$/),
    })
    expectNothingLeft()
  })
})

test.each([0, 65, 1.5])('a machine has one to 64 pCPUs, not %d', async (pcpus) => {
  await expect(startScripted(pcpus)).rejects.toMatchObject({
    details: { code: 'PCPUS' },
    message: `pcpus=${pcpus}: give a whole number from 1 to 64`,
  })
})

test('a machine has at most 64 domains, those that are being made among them', async () => {
  const { hypervisor } = await startScripted()
  const name = (n: number) => running('sleep', { name: `sleep${n}` })
  const made = await Promise.allSettled(Array.from({ length: 66 }, (_, n) => hypervisor.createDomain(name(n))))
  const refused = made.filter(({ status }) => status === 'rejected')
  const message = '64 domains are there, as many as there can be; destroy one'
  expect(refused).toMatchObject([1, 2].map(() => ({ reason: { details: { code: 'TOO_MANY_DOMAINS' }, message } })))
  await hypervisor.domains()[0]?.destroy()
  expect(await hypervisor.createDomain(name(66))).toMatchObject({ name: 'sleep66' })
  await hypervisor.stop()
})

test('what the caller has to do meanwhile is done once, by the time the hypervisor has started', async () => {
  let times = 0
  const { hypervisor } = await startScripted(1, () => times++)
  expect(times).toBe(1)
  await hypervisor.stop()
})
