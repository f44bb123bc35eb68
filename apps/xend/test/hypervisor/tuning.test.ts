/** Dialogues with the control socket about one domain of a running hypervisor. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VcpuRow } from '../../src/hypervisor/control-rows.ts'
import { System } from '../system/system.ts'

let system: System
let domid: number
beforeAll(async () => {
  system = await System.start()
  await system.xm('create', await system.helloConfig())
  domid = Number((await system.xm('domid', 'hello')).stdout)
})
afterAll(() => system.stop())

const call = <T>(method: string, params: object = {}): Promise<T> => system.control.call(method, { domid, ...params })

test('weight and cap are asked and set, and refused out of their range', async () => {
  expect(await call('sched.get')).toEqual({ scheduler: 'credit', params: { weight: 256, cap: 0 } })
  await call('sched.set', { params: { weight: 512 } })
  await call('sched.set', { params: { cap: 50 } })
  expect(await call('sched.get')).toMatchObject({ params: { weight: 512, cap: 50 } })
  await expect(call('sched.set', { params: { weight: 0 } })).rejects.toMatchObject({
    code: 'SCHEDULER_PARAMS',
    message: 'the scheduler refuses weight=0: that is out of its range',
  })
  await expect(call('sched.set', { params: { weight: 'much' } })).rejects.toMatchObject({ code: 'RPC_PARAMS' })
})

test('vCPUs are shown and pinned', async () => {
  const [row] = await call<readonly VcpuRow[]>('domain.vcpus')
  expect(row).toMatchObject({ vcpu: 0, online: true, pcpu: 0, affinity: [0] })
  await call('domain.pin', { vcpu: 0, cpus: [0] })
  await expect(call('domain.pin', { vcpu: 0, cpus: [1] })).rejects.toMatchObject({
    message: 'a vCPU cannot be pinned to pCPU 1; there is only pCPU 0',
  })
  await expect(call('domain.pin', { vcpu: 2, cpus: [0] })).rejects.toMatchObject({ code: 'VCPU_UNKNOWN' })
})

test('a trigger that only other kinds of guests take is refused with what to do', async () => {
  await call('domain.trigger', { trigger: 'nmi', vcpu: 0 })
  await expect(call('domain.trigger', { trigger: 'power', vcpu: 0 })).rejects.toMatchObject({
    code: 'TRIGGER',
    message: 'a paravirtual guest takes no power, only nmi; use xm reboot, shutdown or destroy',
  })
  await expect(call('domain.trigger', { trigger: 'shock', vcpu: 0 })).rejects.toMatchObject({ code: 'RPC_PARAMS' })
  await expect(call('domain.sysrq', { key: 'hh' })).rejects.toMatchObject({ code: 'RPC_PARAMS' })
})

test('a new name is the one it is found by', async () => {
  await call('domain.rename', { name: 'renamed' })
  expect((await system.xm('domid', 'renamed')).stdout).toBe(`${domid}\n`)
  expect((await system.xm('domid', 'hello')).status).toBe(3)
  await expect(call('domain.rename', { name: '../x' })).rejects.toMatchObject({ code: 'RPC_PARAMS' })
})

test('debug keys write to the messages, which are shown until they are cleared', async () => {
  await system.control.call('debug-keys', { keys: 'hqr' })
  const shown = await system.control.call<string>('dmesg', { clear: true })
  expect(shown).toMatch(/^\(XEN\) key 'q' => dump domain info$/m)
  expect(shown).toMatch(/^\(XEN\) General information for domain 1:$/m)
  expect(shown).toMatch(/^\(XEN\) {5}VCPU0: CPU0 (blocked|running|runnable) cpu_time=\d+\.\d{3}s affinity=\{0\}$/m)
  expect(shown).toMatch(/^\(XEN\) CPU\[0\] runs (none|d1v0), queued (none|d1v0)$/m)
  expect(await system.control.call('dmesg')).toBe('')
  await expect(system.control.call('debug-keys', { keys: 'hz' })).rejects.toMatchObject({
    code: 'DEBUG_KEY',
    message: "debug key 'z': the keys are h, m, q, r; h says what they do",
  })
  expect(await system.control.call('dmesg')).toBe('')
})

test('a dump is a whole file or none, and the guest goes on after it', async () => {
  const file = join(system.places.state, 'core')
  await call('domain.dump', { file })
  const bytes = await readFile(file)
  expect(bytes.subarray(0, 4).toString('latin1')).toBe('\u007fELF')
  expect(bytes.includes('Hello from a paravirtual guest')).toBe(true)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await system.xm('domstate', '1')).stdout).toBe('idle\n')
  await expect(call('domain.dump', { file: 'core' })).rejects.toThrow('core: give the absolute path of a file')
  const nowhere = join(file, 'core')
  await expect(call('domain.dump', { file: nowhere })).rejects.toThrow(
    `${nowhere}: the dump cannot be written (ENOTDIR)`,
  )
  expect(await readdir(system.places.state)).not.toContain('core.part')
})
