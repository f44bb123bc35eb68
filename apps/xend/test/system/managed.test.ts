/** Managed domains, as dialogues. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { System } from './system.ts'

const PATIENCE = { timeout: 60_000 }
const DONE = { status: 0, stdout: '', stderr: '' }
const refused = (message: string, status = 1) => ({ status, stdout: '', stderr: `Error: ${message}\n` })
let system: System
let config: string
beforeAll(async () => {
  system = await System.start()
  config = await system.helloConfig()
})
afterAll(() => system.stop())

/** Without domain 0, and without the time. */
const listed = async (...args: readonly string[]): Promise<string[]> => {
  const { stdout } = await system.xm('list', ...args)
  const rows = stdout.trimEnd().split('\n').slice(1)
  return rows.filter((row) => !row.startsWith('Domain-0')).map((row) => row.replace(/ +\d+\.\d$/, ''))
}

test('a managed domain is there before its start and after its end, until it is deleted', async () => {
  expect(await system.xm('new', config)).toEqual({ ...DONE, stdout: `Using config file "${config}".\n` })
  const { stdout } = await system.xm('list', 'hello')
  expect(stdout.split('\n')[1]).toBe('hello                                              8     1                 0.0')
  expect(await system.xm('start', 'hello')).toEqual(DONE)
  await expect.poll(() => listed(), PATIENCE).toEqual([expect.stringMatching(/^hello +1 +8 +1 +-b----$/)])
  expect(await system.xm('start', 'hello')).toEqual(refused('Domain is already running'))
  expect(await system.xm('delete', 'hello')).toEqual(refused('Domain is not halted.'))
  await system.type(1, 'quit\r')
  await expect.poll(() => system.domains(), PATIENCE).toEqual([])
  expect(await listed('--state', 'halted')).toEqual([expect.stringMatching(/^hello {46}8 {5}1$/)])
  expect(await system.xm('pause', 'hello')).toEqual(refused("Domain 'hello' is not running; xm start hello starts it"))
  expect(await system.xm('delete', 'hello')).toEqual(DONE)
  expect(await listed()).toEqual([])
  expect(await system.xm('delete', 'hello')).toEqual(refused("Domain 'hello' does not exist.", 3))
  expect(await system.xm('start', 'hello')).toEqual(refused("Domain 'hello' does not exist.", 3))
})

test('a name is that of one domain, whether it runs or not', async () => {
  await system.xm('create', config, 'name=live', '-p')
  await system.xm('new', config, 'name=kept')
  const domid = (await system.xm('domid', 'live')).stdout.trim()
  expect((await system.xm('new', config, 'name=live')).stderr).toBe(
    `Error: VM name 'live' already exists as domain ${domid}\n`,
  )
  expect((await system.xm('new', config, 'name=kept')).stderr).toBe("Error: VM name 'kept' already exists\n")
  expect((await system.xm('new', config, 'name=Domain-0')).stderr).toBe(
    "Error: VM name 'Domain-0' already exists as domain 0\n",
  )
  expect((await system.xm('create', config, 'name=kept')).stderr).toBe("Error: VM name 'kept' already exists\n")
  expect((await system.xm('create', config, 'name=live')).stderr).toBe(
    `Error: Domain 'live' already exists with ID '${domid}'\n`,
  )
  expect((await system.xm('rename', 'live', 'kept')).stderr).toBe("Error: VM name 'kept' already exists\n")
  expect((await system.xm('delete', 'live')).stderr).toBe('Error: Domain is not halted.\n')
  await system.xm('destroy', 'live')
  await system.xm('delete', 'kept')
})

test('what a managed domain is to be may be changed: by its UUID, its name, its share', async () => {
  const uuid = '01234567-89ab-cdef-0123-456789abcdef'
  await system.xm('new', config, 'name=before', `uuid=${uuid}`)
  await system.xm('new', config, 'name=after', `uuid=${uuid}`, 'memory=16')
  expect(await listed()).toEqual([expect.stringMatching(/^after +16 +1$/)])
  expect(await system.xm('rename', 'after', 'later')).toEqual(DONE)
  await system.xm('start', '-p', 'later')
  expect(await listed()).toEqual([expect.stringMatching(/^later +\d+ +16 +1 +--p---$/)])
  await system.xm('sched-credit', '-d', 'later', '-w', '99')
  await system.xm('rename', 'later', 'last')
  await system.xm('destroy', 'last')
  const { stdout } = await system.xm('list', '--long', 'last')
  expect(stdout).toMatch(/^\(domain\n {4}\(cpu_weight 99\)\n/)
  expect(stdout).toContain(`\n    (uuid ${uuid})\n`)
  expect(stdout).toMatch(/\n {4}\(status 0\)\n\)\n$/)
  await system.xm('delete', 'last')
})

test('a guest has some of its vCPUs from the start, and is asked to have more up, or fewer', async () => {
  await system.xm('new', config, 'name=many', 'maxvcpus=3', 'vcpus=1')
  expect(await listed()).toEqual([expect.stringMatching(/^many +8 +1$/)])
  expect(await system.xm('vcpu-set', 'many', '2')).toEqual(DONE)
  await system.xm('start', 'many', '-p')
  const { stdout } = await system.xm('domid', 'many')
  const store = (): Promise<string[]> =>
    Promise.all([0, 1, 2].map((n) => system.readStore(`/local/domain/${stdout.trim()}/cpu/${n}/availability`)))
  expect(await store()).toEqual(['online', 'online', 'offline'])
  expect(await listed()).toEqual([expect.stringMatching(/^many +\d+ +8 +2 +--p---$/)])
  expect(await system.xm('vcpu-set', 'many', '1')).toEqual(DONE)
  expect(await store()).toEqual(['online', 'offline', 'offline'])
  expect(await system.xm('vcpu-set', 'many', '3')).toEqual(DONE)
  expect(await store()).toEqual(['online', 'online', 'online'])
  for (const wrong of ['0', '4']) {
    expect(await system.xm('vcpu-set', 'many', wrong)).toEqual(
      refused(`VCPU count of many must be from 1 to 3, not ${wrong}; maxvcpus in its config makes room for more`),
    )
  }
  expect((await system.xm('vcpu-set', 'many', 'all')).stderr).toMatch(
    /^Error: Invalid argument: 'all' is no number of VCPUs; give it as 2\nUsage: xm vcpu-set /,
  )
  await system.xm('destroy', 'many')
  await system.xm('delete', 'many')
})

test('xend killed: managed domains, and those that run, are as they were', async () => {
  await system.xm('new', config, 'name=runs')
  await system.xm('new', config, 'name=waits')
  await system.xm('start', 'runs')
  const [before] = await system.domains()
  for (let n = 0; n < 5; n++) {
    const asked = [system.xm('new', config, `name=new${n}`), system.xm('start', 'waits')]
    await new Promise((resolve) => setTimeout(resolve, 250 + 100 * n))
    await system.killXend()
    const [made, started] = await Promise.all(asked)
    await system.startXend()
    expect((await system.domains())[0]).toMatchObject({ domid: before?.domid, uuid: before?.uuid })
    const { stdout } = await system.xm('list', '--json')
    const names = (JSON.parse(stdout) as { name: string; domid: number | null }[]).map(({ name }) => name)
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
    expect(names).toEqual(expect.arrayContaining(['runs', 'waits']))
    if (made?.status === 0) expect(names).toContain(`new${n}`)
    const rows = (await system.domains()).filter(({ name }) => name === 'waits')
    if (started?.status === 0) expect(rows).toHaveLength(1)
    for (const { state } of rows) expect(state).not.toBe('paused')
    if (rows.length > 0) await system.xm('destroy', 'waits')
  }
  await system.xm('destroy', 'runs')
})
