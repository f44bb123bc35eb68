import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { xendSocket } from '../../src/folders.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { System } from './system.ts'

let system: System | undefined
afterEach(() => system?.stop())

/** With what xend says of a call, which comes on its own way. */
async function afterwards(system: System): Promise<System> {
  await new RpcClient({ name: 'xend', path: xendSocket(system.places) }).call('domain.list')
  await expect.poll(() => system.said, { timeout: 20_000 }).toContain('"method":"domain.list"')
  return system
}

test('figures are on a port of the loopback, and nothing else is; logs are JSON', async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await expect(System.start(`metrics_port = ${port}\n`)).rejects.toThrow(
    `127.0.0.1:${port}: it cannot be listened at (EADDRINUSE); name another port`,
  )
  probe.close()
  await once(probe, 'close')

  system = await System.start(`metrics_port = ${port}\nlog_format = 'json'\nlog_level = 'trace'\n`)
  const at = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
  expect(await (await at('/healthz')).text()).toBe('ok\n')
  const metrics = await at('/metrics')
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await metrics.text()).toContain('paravane_hypervisor_up 1\n')
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'domain.list' })
  expect(await (await at('/rpc', { method: 'POST', body })).json()).toMatchObject({
    error: { data: { code: 'RPC_METHOD' } },
  })
  const { said } = await afterwards(system)
  const lines = said
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toContainEqual(expect.objectContaining({ level: 'info', message: 'xend listens' }))
  expect(lines).toContainEqual(expect.objectContaining({ level: 'trace', message: 'request', method: 'domain.list' }))
  for (const { time } of lines) expect(new Date(String(time)).toISOString()).toBe(time)
})
