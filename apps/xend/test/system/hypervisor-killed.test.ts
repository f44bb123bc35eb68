import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { xendReadOnlySocket } from '../../src/folders.ts'
import type { ControlInfo, DomainRow } from '../../src/hypervisor/control-rows.ts'
import { System } from './system.ts'

const PATIENCE = { timeout: 60_000, interval: 100 }
let system: System
let config: string
beforeAll(async () => {
  system = await System.start()
  config = await system.helloConfig()
})
afterAll(() => system.stop())

const pid = async (): Promise<number> => (await system.control.call<ControlInfo>('info')).pid
const names = async (): Promise<string[]> =>
  (JSON.parse((await system.xm('list', '--json')).stdout || '[]') as readonly { name: string }[]).map(
    ({ name }) => name,
  )

function page(path: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath: xendReadOnlySocket(system.places), path, agent: false }, (response) => {
      let text = ''
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode, text }))
    })
    request.on('error', reject)
    request.end()
  })
}

test('a hypervisor that is killed is started again, without its guests, and said to have been', async () => {
  await system.xm('create', config, 'name=lost')
  await system.xm('create', config, 'name=crashed-as-well')
  expect(await page('/healthz')).toEqual({ status: 200, text: 'ok\n' })
  const before = await pid()
  process.kill(before, 'SIGKILL')

  await expect.poll(() => page('/healthz'), PATIENCE).toMatchObject({ status: 503 })
  await expect.poll(() => pid().catch(() => before), PATIENCE).not.toBe(before)
  await expect.poll(() => page('/healthz'), PATIENCE).toMatchObject({ status: 200 })
  expect(await names()).toEqual(['Domain-0'])
  expect((await system.xm('domid', 'lost')).status).toBe(3)
  expect(system.said).toContain('ERROR the hypervisor has ended, and its guests with it; another is started')
  expect(await system.xm('create', config, 'name=new')).toMatchObject({ status: 0 })
  expect(await names()).toEqual(['Domain-0', 'new'])
  await expect.poll(async () => (await system.domains())[0]?.state, PATIENCE).toBe('blocked')
})

test('one that ends again and again is started after pauses that grow, and meanwhile xm is told', async () => {
  const killed = [await pid()]
  process.kill(killed[0] as number, 'SIGKILL')
  await expect.poll(() => pid().catch(() => killed[0]), PATIENCE).not.toBe(killed[0])
  killed.push(await pid())
  process.kill(killed[1] as number, 'SIGKILL')
  const gone = performance.now()
  await expect
    .poll(() => system.xm('list'), PATIENCE)
    .toEqual({
      status: 1,
      stdout: '',
      stderr: 'Error: the hypervisor has ended, and its guests with it; xend is starting another\n',
    })
  await expect.poll(() => pid().catch(() => killed[1]), PATIENCE).not.toBe(killed[1])
  expect(performance.now() - gone).toBeGreaterThan(1000)
})

test('a start that is under way when the hypervisor goes has failed, and nobody is there twice', async () => {
  const [row] = await system.domains()
  expect(row).toBeUndefined()
  await system.xm('create', config, 'name=again')
  const made = (await system.domains())[0] as DomainRow
  const creating = system.xm('create', config, 'name=half')
  await new Promise((resolve) => setTimeout(resolve, 350))
  const before = await pid()
  process.kill(before, 'SIGKILL')
  const { status } = await creating
  await expect.poll(() => pid().catch(() => before), PATIENCE).not.toBe(before)
  await expect.poll(async () => (await page('/healthz')).status, PATIENCE).toBe(200)
  // Whoever was told that it failed finds none; nobody is there twice.
  const there = await system.domains()
  expect(there.filter(({ uuid }) => uuid === made.uuid)).toEqual([])
  expect(there.filter(({ name }) => name === 'half').length).toBeLessThanOrEqual(status === 0 ? 1 : 0)
})

test('figures for Prometheus', async () => {
  await system.xm('create', config, 'name=counted')
  const [{ domid, uuid }] = (await system.domains()) as [DomainRow]
  await system.type(domid, 'hallo')
  await expect.poll(async () => (await page('/metrics')).text, PATIENCE).toContain('input_bytes_total{domain="counted"')
  const { status, text } = await page('/metrics')
  expect(status).toBe(200)
  const of = (name: string): number[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith(name))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)))
  expect(of('paravane_hypervisor_up')).toEqual([1])
  expect(of(`paravane_domain_memory_bytes{domain="counted",uuid="${uuid}"}`)).toEqual([8 * 2 ** 20])
  expect(of(`paravane_domain_vcpus{domain="counted",uuid="${uuid}"}`)).toEqual([1])
  expect(of('paravane_domain_console_input_bytes_total{domain="counted"')).toEqual([5])
  expect(of('paravane_domain_console_output_bytes_total{domain="counted"')[0]).toBeGreaterThan(50)
  expect(of('paravane_domain_cpu_seconds_total{domain="counted"')[0]).toBeGreaterThan(0)
  expect(of('paravane_domains{').reduce((sum, value) => sum + value)).toBe(1)
  expect(of('paravane_rpc_requests_total{process="xend",method="domain.create"}')[0]).toBeGreaterThan(0)
  expect(of('paravane_process_resident_memory_bytes{process="hypervisor"}')[0]).toBeGreaterThan(50e6)
  expect(of('paravane_process_open_files{process="xend"}')[0]).toBeGreaterThan(10)
  // Every line is one that Prometheus reads, and every metric is described before it comes.
  const described = new Set<string>()
  for (const line of text.trimEnd().split('\n')) {
    const [, type] = /^# TYPE ([a-z_]+) (?:counter|gauge)$/.exec(line) ?? []
    if (type !== undefined) described.add(type)
    else if (!/^# HELP [a-z_]+ [^\\]+$/.test(line)) {
      expect(line).toMatch(/^[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9.e+-]+$/)
      expect([...described]).toContain(/^[a-z_]+/.exec(line)?.[0])
    }
  }
})
